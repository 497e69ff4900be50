//! Requests and answers on their way through a connection, which tell its [`Pace`] how they get on.

use super::pace::Pace;
use crate::{Body, BodyError, ChatService, Connection, http::error::ApiError};
use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture};
use http::{Method, Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use hyper::{body::Incoming, service::Service};
use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// The service for the requests of one connection.
pub(super) struct Exchanges {
    service: ChatService,
    connection: Connection,
    pace: Arc<Pace>,
    /// Whether a request may be given up by its client alone, as HTTP/2 has it.
    multiplexed: bool,
}

impl Exchanges {
    pub(super) const fn new(
        service: ChatService,
        connection: Connection,
        pace: Arc<Pace>,
        multiplexed: bool,
    ) -> Self {
        Self { service, connection, pace, multiplexed }
    }
}

impl Service<Request<Incoming>> for Exchanges {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Answer>, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let exchange = Exchange::begin(&self.pace, !request.body().is_end_stream());
        let request = request.map(|body| Upload { body, pace: exchange.upload() });
        // hyper drops what works on a request when its HTTP/2 client takes it back. What has begun to write is to
        // finish, so it works by itself. Over HTTP/1 nothing is dropped: with half-closing allowed, hyper does not
        // look whether the client is still there before it has an answer for him.
        let piece = if self.multiplexed { PIECE } else { usize::MAX };
        let detached = self.multiplexed && !matches!(*request.method(), Method::GET | Method::HEAD);
        let answer = self.service.respond_on(Some(self.connection), request);
        if detached {
            Box::pin(tokio::spawn(answer).map(move |answer| {
                let response = answer.unwrap_or_else(|_| ApiError::server_error().into_response());
                Ok(exchange.answer(response, piece))
            }))
        } else {
            Box::pin(answer.map(move |response| Ok(exchange.answer(response, piece))))
        }
    }
}

/// A request that is under way.
struct Exchange {
    pace: Arc<Pace>,
    uploads: bool,
    answered: bool,
}

impl Exchange {
    fn begin(pace: &Arc<Pace>, uploads: bool) -> Self {
        pace.request(uploads);
        Self { pace: pace.clone(), uploads, answered: false }
    }

    /// Who to tell of the request's body.
    fn upload(&self) -> Option<Arc<Pace>> {
        self.uploads.then(|| self.pace.clone())
    }

    fn answer(mut self, response: Response<Body>, piece: usize) -> Response<Answer> {
        self.answered = true;
        self.pace.answering();
        response.map(|body| Answer { body, rest: Bytes::new(), piece, exchange: self })
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.pace.done(self.answered);
    }
}

/// The body of a request.
struct Upload {
    body: Incoming,
    /// Who to tell of its end, once.
    pace: Option<Arc<Pace>>,
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none()
            && let Some(pace) = self.pace.take()
        {
            pace.uploaded(true);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(pace) = self.pace.take() {
            pace.uploaded(self.body.is_end_stream());
        }
    }
}

/// HTTP/2 takes a piece of an answer when its client has room for a byte, and keeps it until there is room for all of
/// it. So pieces are small: what clients do not read is not to fill the memory, nor to look as if they had read it.
const PIECE: usize = 16 * 1024;

/// The body of an answer; its exchange is over when hyper has taken all of it.
pub(super) struct Answer {
    body: Body,
    /// What remains of a part that was too large for a piece.
    rest: Bytes,
    piece: usize,
    exchange: Exchange,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)).map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => self.rest = data,
                Some(Ok(Err(trailers))) => return Poll::Ready(Some(Ok(trailers))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        self.exchange.pace.answered();
        let piece = self.rest.len().min(self.piece);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // Asked for before anything has been taken.
        self.body.size_hint()
    }
}
