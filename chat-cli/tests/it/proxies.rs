//! The proxies of the environment.

use crate::support::{RunOutput, TOKEN, TestEnv, mock, requests, run, user};
use serde_json::json;
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

/// A server that is not on this machine, and that only a proxy can reach.
const REMOTE: &str = "http://chat.example";

/// Runs `whoami` at a server with these variables.
fn whoami(server: &str, variables: &[(&str, &str)]) -> RunOutput {
    let env = TestEnv::new();
    let mut command = env.command();
    command.envs(variables.iter().copied()).args(["whoami", "--server", server]);
    run(command.env("CHAT_TOKEN", TOKEN), "")
}

/// Starts a proxy that gives each request this response.
async fn proxy(response: ResponseTemplate) -> MockServer {
    let proxy = MockServer::start().await;
    Mock::given(any()).respond_with(response).mount(&proxy).await;
    proxy
}

#[tokio::test]
async fn a_proxy_never_gets_the_traffic_to_this_machine() {
    let server = MockServer::start().await;
    mock(&server, "GET", "/users/me/", 200, &user(2, "ann")).await;
    let proxy = proxy(ResponseTemplate::new(502)).await;
    let by_name = server.uri().replace("127.0.0.1", "localhost");
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        for address in [&server.uri(), &by_name] {
            whoami(address, &[(variable, &proxy.uri())]).ok();
        }
    }
    assert!(requests(&proxy).await.is_empty());
}

#[tokio::test]
async fn other_traffic_goes_through_the_proxy() {
    let proxy = proxy(ResponseTemplate::new(200).set_body_json(user(2, "ann"))).await;
    let out = whoami(REMOTE, &[("HTTP_PROXY", &proxy.uri())]).ok();
    assert!(out.contains("ann"), "{out}");
}

#[tokio::test]
async fn an_asterisk_in_no_proxy_applies_to_addresses_too() {
    let proxy = proxy(ResponseTemplate::new(200).set_body_json(user(2, "ann"))).await;
    for variable in ["NO_PROXY", "no_proxy"] {
        // The operating system opens no TCP connection to the broadcast address, so this fails at once.
        let address = proxy.uri();
        let variables = [("HTTP_PROXY", address.as_str()), (variable, "chat.example, *")];
        let stderr = whoami("http://255.255.255.255:9", &variables).failed(7);
        assert!(!stderr.contains("proxy"), "{stderr}");
    }
    assert!(requests(&proxy).await.is_empty());
}

/// Starts a SOCKS5 proxy for one connection, which it connects to `server`.
///
/// Returns its address, and a channel with the name that the client asked for.
fn socks_proxy(server: SocketAddr) -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, names) = mpsc::channel();
    thread::spawn(move || {
        let mut client = listener.accept().unwrap().0;
        let [_, methods] = read(&mut client);
        for _ in 0..methods {
            let [_method] = read(&mut client);
        }
        client.write_all(&[5, 0]).unwrap();
        // A connection to a name. The last byte is the length of the name.
        let [5, 1, 0, 3, length] = read(&mut client) else { panic!("no request for a name") };
        let name: Vec<u8> = (0..length).flat_map(|_| read::<1>(&mut client)).collect();
        let [_, _] = read(&mut client);
        client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
        sender.send(String::from_utf8(name).unwrap()).unwrap();
        let server = TcpStream::connect(server).unwrap();
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || io::copy(&mut from, &mut to));
        let _ = io::copy(&mut &server, &mut client);
    });
    (address, names)
}

/// Reads a fixed number of bytes.
fn read<const N: usize>(from: &mut TcpStream) -> [u8; N] {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn a_socks_proxy_looks_up_the_server_and_is_connected_through() {
    let server = MockServer::start().await;
    mock(&server, "GET", "/users/me/", 200, &user(2, "ann")).await;
    let (address, names) = socks_proxy(*server.address());
    let out = whoami(REMOTE, &[("ALL_PROXY", &format!("socks5h://{address}"))]).ok();
    assert!(out.contains("ann"), "{out}");
    assert_eq!(names.recv().unwrap(), "chat.example");
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_is_refused_and_nothing_is_sent() {
    let server = MockServer::start().await;
    mock(&server, "GET", "/users/me/", 200, &user(2, "ann")).await;
    for (variable, value) in [
        // Desktop settings of Linux have this scheme.
        ("ALL_PROXY", "socks://ann:hunter2@10.0.0.1:1080"),
        ("all_proxy", "ftp://10.0.0.1"),
        ("HTTP_PROXY", "http://10.0.0.1:3128 "),
        ("http_proxy", "http://10.0.0.1:3128\r"),
    ] {
        let stderr = whoami(REMOTE, &[(variable, value)]).failed(1);
        assert!(stderr.contains(&format!("{variable} is not the URL of a proxy")), "{stderr}");
        assert!(stderr.contains("NO_PROXY=chat.example"), "{stderr}");
        assert!(!stderr.contains("hunter2") && !stderr.contains("--server"), "{stderr}");
        // No proxy is used for a server on this machine.
        whoami(&server.uri(), &[(variable, value)]).ok();
        let listed = [(variable, value), ("NO_PROXY", "255.255.255.255")];
        let stderr = whoami("http://255.255.255.255:9", &listed).failed(7);
        assert!(!stderr.contains("proxy"), "{stderr}");
    }
    for (variable, value) in [("ALL_PROXY", ""), ("ALL_PROXY", " "), ("HTTPS_PROXY", "socks://10.0.0.1:1")] {
        let stderr = whoami("http://255.255.255.255:9", &[(variable, value)]).failed(7);
        assert!(!stderr.contains("proxy"), "{stderr}");
    }
}

#[tokio::test]
async fn a_proxy_that_requires_a_password_for_a_tunnel_is_reported_as_such() {
    let proxy = proxy(ResponseTemplate::new(407)).await;
    let stderr = whoami("https://chat.example", &[("HTTPS_PROXY", &proxy.uri())]).failed(7);
    assert!(stderr.contains("USER:PASSWORD"), "{stderr}");
}

#[tokio::test]
async fn an_unreachable_proxy_is_named_without_its_password() {
    // The socket does not listen, so it refuses connections. It is bound, so that no other process gets the port.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = socket.local_addr().unwrap();
    let proxy = format!("http://ann:hunter2@{address}");
    for server in [REMOTE, "https://chat.example"] {
        let stderr = whoami(server, &[("ALL_PROXY", &proxy)]).failed(7);
        assert!(stderr.contains(&format!("(through the proxy http://{address})")), "{stderr}");
        assert!(stderr.contains("refused") && stderr.contains("NO_PROXY=chat.example"), "{stderr}");
        assert!(!stderr.contains("hunter2"), "{stderr}");
    }
}

#[tokio::test]
async fn a_response_that_may_be_that_of_the_proxy_names_it() {
    for (response_status, status) in [(407, 1), (403, 4), (404, 1), (504, 7), (200, 1)] {
        let page = ResponseTemplate::new(response_status).set_body_raw("<html>", "text/html");
        let proxy = proxy(page).await;
        let stderr = whoami(REMOTE, &[("HTTP_PROXY", &proxy.uri())]).failed(status);
        assert!(stderr.contains(&format!("(through the proxy {})", proxy.uri())), "{stderr}");
        let hint = if response_status == 407 { "USER:PASSWORD" } else { "NO_PROXY=chat.example" };
        assert!(stderr.contains(hint), "{stderr}");
    }
}

#[tokio::test]
async fn a_proxy_that_closes_the_connection_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming() {
            // The request arrives whole, so the connection is not reset.
            let _ = client.unwrap().read(&mut [0; 4096]);
        }
    });
    let stderr = whoami(REMOTE, &[("HTTP_PROXY", &proxy)]).failed(7);
    assert!(stderr.contains(&format!("(through the proxy {proxy})")), "{stderr}");
    assert!(stderr.contains("NO_PROXY=chat.example"), "{stderr}");
}

#[tokio::test]
async fn an_error_of_the_chat_server_does_not_name_the_proxy() {
    for (response_status, status) in [(401, 4), (404, 3), (400, 5)] {
        let detail = json!({"detail": "Because."});
        let proxy = proxy(ResponseTemplate::new(response_status).set_body_json(detail)).await;
        let stderr = whoami(REMOTE, &[("HTTP_PROXY", &proxy.uri())]).failed(status);
        assert!(!stderr.contains("proxy"), "{stderr}");
    }
}
