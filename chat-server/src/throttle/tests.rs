//! The clients that the limits stop, and those that they do not stop.

use super::*;
use chat_core::api::FieldErrors;
use http::StatusCode;

const ANN: Account<'_> = Account::Name("ann");
const NOW: Duration = Duration::from_secs(1);

fn budgets() -> Budgets {
    Throttle::new(true, Arc::default()).0.unwrap()
}

fn host(n: u8) -> Option<IpAddr> {
    Some(IpAddr::from([192, 0, 2, n]))
}

/// Returns the status of a sign-in with the right or a wrong password.
fn sign_in(budgets: &Budgets, account: Account<'_>, address: Option<IpAddr>, right: bool) -> StatusCode {
    let Ok(taken) = budgets.take(account, address, NOW) else { return StatusCode::TOO_MANY_REQUESTS };
    let wrong = || Error::Invalid(FieldErrors::one("non_field_errors", "Wrong."));
    let result = right.then_some(()).ok_or_else(wrong);
    let settled = Attempt { budgets: Some(budgets), taken }.settle(&result);
    let response = settled.and_then(|()| Ok(result?));
    response.map_or_else(|error| error.into_response().status(), |()| StatusCode::OK)
}

/// Tries wrong passwords until throttled. Returns the number of tries.
fn guesses(budgets: &Budgets, account: Account<'_>, address: Option<IpAddr>) -> usize {
    let guess = || sign_in(budgets, account, address, false);
    std::iter::from_fn(|| (guess() == StatusCode::BAD_REQUEST).then_some(())).take(1000).count()
}

#[test]
fn a_guesser_is_throttled_and_no_other_client() {
    let budgets = budgets();
    assert_eq!(guesses(&budgets, ANN, host(1)), 30);
    assert_eq!(sign_in(&budgets, ANN, host(1), true), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(sign_in(&budgets, ANN, host(2), true), StatusCode::OK);
    assert_eq!(sign_in(&budgets, Account::Name("bob"), host(1), true), StatusCode::OK);
    assert!(budgets.take(ANN, host(1), NOW + PAIR.every).is_ok());
}

#[test]
fn a_client_that_tries_many_accounts_is_throttled() {
    let budgets = budgets();
    let names: Vec<String> = (0..1000).map(|n| format!("user{n}")).collect();
    let tried = names
        .iter()
        .take_while(|name| sign_in(&budgets, Account::Name(name), host(1), false) == StatusCode::BAD_REQUEST);
    assert_eq!(tried.count(), 100);
}

#[test]
fn an_owner_signs_in_from_a_known_address_while_others_guess_from_everywhere() {
    let budgets = budgets();
    assert_eq!(sign_in(&budgets, ANN, host(1), true), StatusCode::OK);
    let wrong: usize = (2..9).map(|n| guesses(&budgets, ANN, host(n))).sum();
    assert_eq!(wrong, 100);
    assert_eq!(sign_in(&budgets, ANN, host(9), true), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(sign_in(&budgets, ANN, host(1), true), StatusCode::OK);
}

#[test]
fn an_owner_signs_in_although_a_guesser_shares_the_address() {
    let budgets = budgets();
    assert_eq!(sign_in(&budgets, ANN, host(1), true), StatusCode::OK);
    for name in ["bob", "eve", "dan", "fay"] {
        guesses(&budgets, Account::Name(name), host(1));
    }
    assert_eq!(guesses(&budgets, ANN, host(1)), 30);
    assert_eq!(sign_in(&budgets, ANN, host(1), false), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(sign_in(&budgets, ANN, host(1), true), StatusCode::OK);
    // The reserve is exhausted as well.
    for _ in 0..RESERVE.burst {
        sign_in(&budgets, ANN, host(1), false);
    }
    assert_eq!(sign_in(&budgets, ANN, host(1), true), StatusCode::TOO_MANY_REQUESTS);
}

#[test]
fn a_success_and_an_outage_cost_no_token() {
    let budgets = budgets();
    for _ in 0..1000 {
        assert_eq!(sign_in(&budgets, ANN, host(1), true), StatusCode::OK);
        let taken = budgets.take(Account::Name("bob"), host(2), NOW).unwrap();
        let outage = Err::<(), _>(Error::Unavailable(chat_core::store::StoreError::Busy));
        Attempt { budgets: Some(&budgets), taken }.settle(&outage).unwrap();
    }
}

#[test]
fn a_dropped_attempt_counts_as_failed() {
    let budgets = budgets();
    for _ in 0..PAIR.burst {
        drop(Attempt { budgets: Some(&budgets), taken: budgets.take(ANN, host(1), NOW).unwrap() });
    }
    assert!(budgets.take(ANN, host(1), NOW).is_err());
}

#[test]
fn a_throttled_attempt_takes_no_token() {
    let budgets = budgets();
    for n in 1..5 {
        guesses(&budgets, ANN, host(n));
    }
    for _ in 0..1000 {
        assert!(budgets.take(ANN, host(9), NOW).is_err());
    }
    assert_eq!(guesses(&budgets, Account::Name("bob"), host(9)), 30);
}

#[test]
fn without_an_address_the_account_alone_counts() {
    let budgets = budgets();
    assert_eq!(guesses(&budgets, ANN, None), 100);
    assert_eq!(guesses(&budgets, Account::Name("bob"), None), 100);
}

#[test]
fn without_limits_nothing_is_refused() {
    let throttle = Throttle::new(false, Arc::default());
    for _ in 0..3000 {
        throttle.request(UserId::new(1)).unwrap();
        throttle.registration("ann", host(1)).unwrap();
        drop(throttle.sign_in(ANN, host(1)).unwrap());
    }
}

#[test]
fn registrations_from_one_address_are_limited() {
    let throttle = Throttle::new(true, Arc::default());
    let mut registered = (0..1000).map(|n| throttle.registration(&format!("user{n}"), host(1)));
    assert!(registered.any(|allowed| allowed.is_err()));
}

#[test]
fn requests_of_one_user_are_limited() {
    let throttle = Throttle::new(true, Arc::default());
    assert!((0..100_000).any(|_| throttle.request(UserId::new(1)).is_err()));
    throttle.request(UserId::new(2)).unwrap();
}
