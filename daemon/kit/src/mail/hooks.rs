//! Webhooks about bounces.

use crate::bench::Bench;
use crate::case::{Case, Tried, case};
use crate::webhooks::{self, Told};
use crate::world::World;
use remitd_host::{JobSpec, Webhook};

pub(super) const CASES: &[Case] = &[
    case!("webhook-unsigned", "A webhook without a signature is not believed.", unsigned),
    case!("webhook-empty", "An empty webhook is not believed.", empty),
    case!("webhook-huge", "A forged webhook of 2 MiB does no harm.", huge),
    case!("webhook-odd-signature", "A signature of any letters does no harm.", odd),
    case!("webhook-altered", "One altered byte, and a webhook is not believed.", altered),
    case!("webhook-genuine", "A genuine webhook is read, however its headers are written.", genuine),
];

fn reading(world: &World, job: JobSpec, webhook: Webhook) -> Told<'_> {
    Box::pin(async move {
        let told = world.mail_provider()?.read_webhook(job, webhook).await;
        Ok(told.map(|bounces| bounces.len()))
    })
}

async fn unsigned(bench: &Bench) -> Tried {
    webhooks::unsigned(bench, reading, &bench.fixture.mail.webhook).await
}

async fn empty(bench: &Bench) -> Tried {
    webhooks::empty(bench, reading, &bench.fixture.mail.webhook).await
}

async fn huge(bench: &Bench) -> Tried {
    webhooks::huge(bench, reading, &bench.fixture.mail.webhook).await
}

async fn odd(bench: &Bench) -> Tried {
    webhooks::odd_signatures(bench, reading, &bench.fixture.mail.webhook).await
}

async fn altered(bench: &Bench) -> Tried {
    webhooks::altered(bench, reading, &bench.fixture.mail.webhook).await
}

async fn genuine(bench: &Bench) -> Tried {
    webhooks::read_genuine(bench, reading, &bench.fixture.mail.webhook).await
}
