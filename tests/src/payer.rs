//! A payer with a browser's manners and no scripts: opens the link, presses Pay, types a number at the checkout, is led
//! back. Redirects are followed by hand, so that a test sees where they lead.

use reqwest::{Client, Method, Url, redirect};
use std::sync::LazyLock;
use std::time::Duration;

/// For one answer.
const ANSWER_TIME: Duration = Duration::from_secs(30);
const MAX_REDIRECTS: usize = 5;

/// Where a payer ended up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    pub status: u16,
    pub url: String,
    pub page: String,
}

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    // Somebody else in this process may have been first: any provider will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().timeout(ANSWER_TIME);
    // No pool: a test that is run on its own runtime must not meet a connection of another.
    client.pool_max_idle_per_host(0).build().expect("makes a client")
});

/// The whole way: opens the link, pays what it asks with `number`, and follows back.
pub async fn pay(link: &str, number: &str) -> Visit {
    let checkout = begin(link, None).await;
    submit(&checkout.url, number, None).await
}

/// The same with an amount of the payer's own, where the link allows it.
pub async fn pay_amount(link: &str, number: &str, amount: &str) -> Visit {
    let checkout = begin(link, Some(amount)).await;
    submit(&checkout.url, number, None).await
}

/// Opens a page without pressing anything.
pub async fn open(url: &str) -> Visit {
    walk(Method::GET, url, &[]).await
}

/// Opens the link and presses Pay: where that led, which is the checkout when all is well.
pub async fn begin(link: &str, amount: Option<&str>) -> Visit {
    let page = open(link).await;
    assert_eq!(page.status, 200, "the pay page: {page:?}");
    press(link, amount).await
}

/// Presses Pay without another look at the page.
pub async fn press(link: &str, amount: Option<&str>) -> Visit {
    let form: Vec<_> = amount.map(|amount| ("amount", amount)).into_iter().collect();
    walk(Method::POST, &format!("{link}/pay"), &form).await
}

/// Types a number at the checkout and follows to wherever it leads.
pub async fn submit(checkout: &str, number: &str, amount: Option<&str>) -> Visit {
    let mut form = vec![("number", number)];
    form.extend(amount.map(|amount| ("amount", amount)));
    walk(Method::POST, checkout, &form).await
}

/// Pays and closes the browser: the answer itself, wherever it would lead.
pub async fn submit_and_leave(checkout: &str, number: &str) -> Visit {
    let sent = CLIENT.post(checkout).form(&[("number", number)]).send().await;
    let answer = sent.unwrap_or_else(|error| panic!("{checkout} does not answer: {error}"));
    let (status, url) = (answer.status().as_u16(), answer.url().to_string());
    Visit { status, url, page: answer.text().await.unwrap_or_default() }
}

/// A request and the redirects after it; those are always followed by GET, as browsers do after 303.
async fn walk(method: Method, url: &str, form: &[(&str, &str)]) -> Visit {
    let mut url = Url::parse(url).unwrap_or_else(|error| panic!("{url:?} is no URL: {error}"));
    let mut request = CLIENT.request(method.clone(), url.clone());
    if method == Method::POST {
        request = request.form(form);
    }
    for _ in 0..=MAX_REDIRECTS {
        let answer = request.send().await.unwrap_or_else(|error| panic!("{url} does not answer: {error}"));
        let status = answer.status().as_u16();
        let location = answer.headers().get("location").and_then(|to| to.to_str().ok()).map(str::to_owned);
        match location.filter(|_| matches!(status, 302 | 303)) {
            Some(to) => url = url.join(&to).unwrap_or_else(|error| panic!("{to:?} is no URL: {error}")),
            None => {
                let page = answer.text().await.unwrap_or_else(|error| panic!("{url} breaks off: {error}"));
                return Visit { status, url: url.into(), page };
            }
        }
        request = CLIENT.get(url.clone());
    }
    panic!("more than {MAX_REDIRECTS} redirects, the last to {url}")
}
