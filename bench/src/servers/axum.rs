//! A plain chat service, written the usual way with axum and sqlx.
//!
//! Each request queries its token. A request for one thread or message also queries whether the caller is a
//! participant. Each message is one insert with its own commit. SQLite is in WAL mode and syncs every commit, as in the
//! chat server.

use anyhow::Result;
use axum::{
    Json, Router,
    extract::{FromRequestParts, Path, Query, State},
    http::{StatusCode, header, request::Parts},
    routing::{get, patch, post},
};
use chat_core::{
    auth::token,
    clock::{Clock as _, SystemClock},
};
use serde::{Deserialize, Serialize};
use sqlx::{
    FromRow, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{str::FromStr as _, time::Duration};
use uuid::Uuid;

pub(super) async fn service(url: &str) -> Result<Router> {
    let options = SqliteConnectOptions::from_str(url)?
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(30));
    let pool = SqlitePoolOptions::new().max_connections(10).connect_with(options).await?;
    let api = Router::new()
        .route("/messages/", post(send))
        .route("/messages/unread/", get(unread))
        .route("/messages/{id}/mark-as-read/", patch(mark))
        .route("/threads/", get(threads))
        .route("/threads/{id}/messages/", get(messages));
    Ok(Router::new().nest("/chat-api", api).with_state(pool))
}

#[derive(Serialize, FromRow)]
struct Message {
    id: i64,
    thread: Uuid,
    sender: i64,
    text: String,
    created: i64,
    is_read: bool,
}

#[derive(Serialize, FromRow)]
struct Thread {
    id: Uuid,
    user_low: i64,
    user_high: i64,
}

#[derive(Deserialize)]
struct NewMessage {
    thread: Uuid,
    text: String,
}

#[derive(Deserialize)]
struct Page {
    after: Option<i64>,
    before: Option<i64>,
    #[serde(default)]
    offset: i64,
    limit: i64,
}

#[derive(Deserialize)]
struct ThreadPage {
    after: Option<Uuid>,
    limit: i64,
}

#[derive(Serialize)]
struct CountedPage {
    count: i64,
    results: Vec<Message>,
}

/// The user whose token the request has.
struct Caller(i64);

type ErrorResponse = (StatusCode, String);

fn database_error(error: sqlx::Error) -> ErrorResponse {
    match error {
        sqlx::Error::RowNotFound => (StatusCode::NOT_FOUND, "Not found.".to_owned()),
        error => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

impl FromRequestParts<SqlitePool> for Caller {
    type Rejection = ErrorResponse;

    async fn from_request_parts(parts: &mut Parts, pool: &SqlitePool) -> Result<Self, ErrorResponse> {
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let key = header.and_then(|header| header.strip_prefix("Token "));
        let hash = token::hash(key.ok_or((StatusCode::UNAUTHORIZED, "No token.".to_owned()))?);
        let found: Option<i64> = sqlx::query_scalar("select user_id from tokens where hash = $1")
            .bind(hash.expose().as_slice())
            .fetch_optional(pool)
            .await
            .map_err(database_error)?;
        found.map(Self).ok_or((StatusCode::UNAUTHORIZED, "Invalid token.".to_owned()))
    }
}

async fn require_participant(
    pool: &SqlitePool,
    Caller(user): &Caller,
    thread: Uuid,
) -> Result<(), ErrorResponse> {
    sqlx::query("select 1 from threads where id = $1 and (user_low = $2 or user_high = $2)")
        .bind(thread)
        .bind(user)
        .fetch_one(pool)
        .await
        .map(drop)
        .map_err(database_error)
}

async fn send(
    State(pool): State<SqlitePool>,
    caller: Caller,
    Json(new): Json<NewMessage>,
) -> Result<(StatusCode, Json<Message>), ErrorResponse> {
    require_participant(&pool, &caller, new.thread).await?;
    let message = sqlx::query_as(
        "insert into messages (thread, sender, text, created, is_read) values ($1, $2, $3, $4, false) returning *",
    )
    .bind(new.thread)
    .bind(caller.0)
    .bind(new.text)
    .bind(SystemClock.now().as_micros())
    .fetch_one(&pool)
    .await
    .map_err(database_error)?;
    Ok((StatusCode::CREATED, Json(message)))
}

async fn messages(
    State(pool): State<SqlitePool>,
    caller: Caller,
    Path(thread): Path<Uuid>,
    Query(page): Query<Page>,
) -> Result<Json<Vec<Message>>, ErrorResponse> {
    require_participant(&pool, &caller, thread).await?;
    let (sql, cursor) = match page.before {
        Some(id) => ("select * from messages where thread = $1 and id < $2 order by id desc limit $3", id),
        None => (
            "select * from messages where thread = $1 and id > $2 order by id limit $3",
            page.after.unwrap_or(0),
        ),
    };
    let rows = sqlx::query_as(sql).bind(thread).bind(cursor).bind(page.limit).fetch_all(&pool).await;
    let mut rows: Vec<Message> = rows.map_err(database_error)?;
    rows.sort_by_key(|message| message.id);
    Ok(Json(rows))
}

async fn unread(
    State(pool): State<SqlitePool>,
    Caller(user): Caller,
    Query(page): Query<Page>,
) -> Result<Json<CountedPage>, ErrorResponse> {
    const UNREAD: &str = "from messages m join threads t on t.id = m.thread \
         where (t.user_low = $1 or t.user_high = $1) and not m.is_read";
    let count = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) {UNREAD}")))
        .bind(user)
        .fetch_one(&pool);
    let results =
        sqlx::query_as(sqlx::AssertSqlSafe(format!("select m.* {UNREAD} order by m.id limit $2 offset $3")))
            .bind(user)
            .bind(page.limit)
            .bind(page.offset)
            .fetch_all(&pool);
    Ok(Json(CountedPage {
        count: count.await.map_err(database_error)?,
        results: results.await.map_err(database_error)?,
    }))
}

async fn threads(
    State(pool): State<SqlitePool>,
    Caller(user): Caller,
    Query(page): Query<ThreadPage>,
) -> Result<Json<Vec<Thread>>, ErrorResponse> {
    let rows = sqlx::query_as(
        "select id, user_low, user_high from threads where (user_low = $1 or user_high = $1) \
         and seq > coalesce((select seq from threads where id = $2), 0) order by seq limit $3",
    );
    rows.bind(user).bind(page.after).bind(page.limit).fetch_all(&pool).await.map(Json).map_err(database_error)
}

async fn mark(
    State(pool): State<SqlitePool>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<Message>, ErrorResponse> {
    let thread =
        sqlx::query_scalar("select thread from messages where id = $1").bind(id).fetch_one(&pool).await;
    require_participant(&pool, &caller, thread.map_err(database_error)?).await?;
    let marked = sqlx::query_as("update messages set is_read = true where id = $1 returning *");
    marked.bind(id).fetch_one(&pool).await.map(Json).map_err(database_error)
}
