//! Who is stopped, and who is not.

use super::*;
use chat_core::api::FieldErrors;
use http::StatusCode;

const ANN: Account<'_> = Account::Name("ann");
const NOW: Duration = Duration::from_secs(1);

fn limits() -> Limits {
    Throttle::new(true, Arc::default()).0.unwrap()
}

fn host(n: u8) -> Option<IpAddr> {
    Some(IpAddr::from([192, 0, 2, n]))
}

/// How a log-in with the right or a wrong password goes.
fn log_in(limits: &Limits, account: Account<'_>, address: Option<IpAddr>, right: bool) -> StatusCode {
    let Ok(paid) = limits.pay(account, address, NOW) else { return StatusCode::TOO_MANY_REQUESTS };
    let wrong = || Error::Invalid(FieldErrors::one("non_field_errors", "Wrong."));
    let settled = Attempt { limits: Some(limits), paid }.settle(right.then_some(()).ok_or_else(wrong));
    settled.map_or_else(|error| error.into_response().status(), |()| StatusCode::OK)
}

/// Guesses wrongly until that is refused, and says how often that went.
fn guesses(limits: &Limits, account: Account<'_>, address: Option<IpAddr>) -> usize {
    let guess = || log_in(limits, account, address, false);
    std::iter::from_fn(|| (guess() == StatusCode::BAD_REQUEST).then_some(())).take(1000).count()
}

#[test]
fn a_guesser_is_stopped_and_nobody_else() {
    let limits = limits();
    assert_eq!(guesses(&limits, ANN, host(1)), 30);
    assert_eq!(log_in(&limits, ANN, host(1), true), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(log_in(&limits, ANN, host(2), true), StatusCode::OK);
    assert_eq!(log_in(&limits, Account::Name("bob"), host(1), true), StatusCode::OK);
    assert!(limits.pay(ANN, host(1), NOW + PAIR.every).is_ok());
}

#[test]
fn whoever_tries_many_accounts_is_stopped() {
    let limits = limits();
    let names: Vec<String> = (0..1000).map(|n| format!("user{n}")).collect();
    let tried = names
        .iter()
        .take_while(|name| log_in(&limits, Account::Name(name), host(1), false) == StatusCode::BAD_REQUEST);
    assert_eq!(tried.count(), 100);
}

#[test]
fn the_owner_gets_in_where_he_was_before_while_others_guess_from_everywhere() {
    let limits = limits();
    assert_eq!(log_in(&limits, ANN, host(1), true), StatusCode::OK);
    let wrong: usize = (2..9).map(|n| guesses(&limits, ANN, host(n))).sum();
    assert_eq!(wrong, 100);
    assert_eq!(log_in(&limits, ANN, host(9), true), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(log_in(&limits, ANN, host(1), true), StatusCode::OK);
}

#[test]
fn the_owner_gets_in_where_somebody_beside_him_guesses() {
    let limits = limits();
    assert_eq!(log_in(&limits, ANN, host(1), true), StatusCode::OK);
    for name in ["bob", "eve", "dan", "fay"] {
        guesses(&limits, Account::Name(name), host(1));
    }
    assert_eq!(guesses(&limits, ANN, host(1)), 30);
    assert_eq!(log_in(&limits, ANN, host(1), false), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(log_in(&limits, ANN, host(1), true), StatusCode::OK);
    // Guessing on, unheard, ends as well.
    for _ in 0..RESERVE.burst {
        log_in(&limits, ANN, host(1), false);
    }
    assert_eq!(log_in(&limits, ANN, host(1), true), StatusCode::TOO_MANY_REQUESTS);
}

#[test]
fn what_succeeds_costs_nothing_and_what_was_not_judged_neither() {
    let limits = limits();
    for _ in 0..1000 {
        assert_eq!(log_in(&limits, ANN, host(1), true), StatusCode::OK);
        let paid = limits.pay(Account::Name("bob"), host(2), NOW).unwrap();
        let away = Err::<(), _>(Error::Unavailable(chat_core::store::StoreError::Busy));
        Attempt { limits: Some(&limits), paid }.settle(away).unwrap_err();
    }
}

#[test]
fn whoever_hangs_up_has_guessed() {
    let limits = limits();
    for _ in 0..PAIR.burst {
        drop(Attempt { limits: Some(&limits), paid: limits.pay(ANN, host(1), NOW).unwrap() });
    }
    assert!(limits.pay(ANN, host(1), NOW).is_err());
}

#[test]
fn a_refused_attempt_costs_nobody_else() {
    let limits = limits();
    for n in 1..5 {
        guesses(&limits, ANN, host(n));
    }
    for _ in 0..1000 {
        assert!(limits.pay(ANN, host(9), NOW).is_err());
    }
    assert_eq!(guesses(&limits, Account::Name("bob"), host(9)), 30);
}

#[test]
fn without_an_address_the_account_alone_counts() {
    let limits = limits();
    assert_eq!(guesses(&limits, ANN, None), 100);
    assert_eq!(guesses(&limits, Account::Name("bob"), None), 100);
}

#[test]
fn without_limits_nothing_is_refused() {
    let throttle = Throttle::new(false, Arc::default());
    for _ in 0..3000 {
        throttle.request(UserId::new(1)).unwrap();
        throttle.registration("ann", host(1)).unwrap();
        drop(throttle.log_in(ANN, host(1)).unwrap());
    }
}

#[test]
fn requests_and_registrations_have_limits_of_their_own() {
    let throttle = Throttle::new(true, Arc::default());
    let mut registered = (0..1000).map(|n| throttle.registration(&format!("user{n}"), host(1)));
    assert!(registered.any(|allowed| allowed.is_err()));
    let requested = |user| (0..100_000).any(|_| throttle.request(UserId::new(user)).is_err());
    assert!(requested(1));
    throttle.request(UserId::new(2)).unwrap();
}
