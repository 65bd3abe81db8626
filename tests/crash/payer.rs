//! A payer who does not give up: what fails because the daemon just died is tried again later, as people do.

use reqwest::{Client, redirect};
use std::time::Duration;

const ANSWER: Duration = Duration::from_secs(10);
const GOOD_CARD: &str = "4242424242424242";

pub struct Payer {
    client: Client,
}

impl Payer {
    pub fn new() -> Payer {
        let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().timeout(ANSWER);
        Payer { client: client.pool_max_idle_per_host(0).build().unwrap() }
    }

    /// Goes as far as the daemon lives. True once the link says that it is used up.
    pub async fn try_to_pay(&self, link: &str) -> bool {
        match self.status(link).await {
            Some(410) => true,
            Some(200) => {
                self.walk(link).await;
                self.status(link).await == Some(410)
            }
            _ => false,
        }
    }

    /// Begins a payment and leaves the checkout open.
    pub async fn begin(&self, link: &str) -> Option<String> {
        let answer = self.client.post(format!("{link}/pay")).form(&[("a", "")]).send().await.ok()?;
        Some(answer.headers().get("location")?.to_str().ok()?.to_owned())
    }

    async fn walk(&self, link: &str) -> Option<()> {
        let checkout = self.begin(link).await?;
        let paid = self.client.post(&checkout).form(&[("number", GOOD_CARD)]).send().await.ok()?;
        let back = paid.headers().get("location")?.to_str().ok()?.to_owned();
        self.client.get(back).send().await.ok().map(drop)
    }

    async fn status(&self, link: &str) -> Option<u16> {
        Some(self.client.get(link).send().await.ok()?.status().as_u16())
    }
}
