//! Stage 3. A message goes out, once: what is sent is derived from stored rows alone, so that every attempt is the same
//! message; the attempt is recorded before it starts; an attempt whose end is unknown is repeated only where that is harmless
//! or the firm says so.

mod compose;
mod templates;

pub use templates::{TemplateError, environment};

use crate::effect::{Mailing, Purpose, Repeat, job, verdict};
use crate::error::FlowError;
use crate::plugin::MailProvider;
use crate::road::{OnUnknown, Road};
use compose::Composed;
use remitd_domain::request::State;
use remitd_host::{Failure, FailureClass, JobSpec, Stands};
use remitd_store::{Finish, Lease, MessageRow, MessageState, NewMessage, Payment, Request};

const NOT_ANY_MORE: &str = "nothing is asked for any more: it was not sent again";

/// One message, ready to go.
struct Letter {
    request: Request,
    payment: Option<Payment>,
    purpose: Purpose,
    composed: Composed,
    /// The provider takes the same message twice as one.
    repeats_safely: bool,
}

/// An attempt that is recorded and has not ended.
struct Begun {
    message: MessageRow,
    attempt: i64,
    /// Earlier ones whose end nobody knows.
    lost: i64,
}

/// The effect: record the attempt, send, record the end.
pub async fn perform(road: &Road, lease: &Lease) -> Result<(), FlowError> {
    let provider = road.mail_provider()?;
    let Some(letter) = write(road, lease, &provider).await? else {
        return leave(road, lease).await;
    };
    let Some(begun) = begin(road, lease, &letter).await? else {
        return Ok(());
    };
    road.point("mail.recorded")?;
    let result = provider.send(job(lease), letter.composed.wire_message()).await;
    road.point("mail.sent")?;
    end(road, lease, &letter, &begun, result.map(|accepted| accepted.provider_ref)).await?;
    road.point("mail.finished")?;
    Ok(())
}

/// None where the message is not to be sent any more.
async fn write(road: &Road, lease: &Lease, provider: &MailProvider) -> Result<Option<Letter>, FlowError> {
    let Mailing { purpose, to } = serde_json::from_str(&lease.payload).map_err(std::io::Error::from)?;
    let Some(request) = road.store.request(lease.subject_id).await? else { return Ok(None) };
    let payment = match purpose {
        Purpose::Request if request.state != State::Outstanding => return Ok(None),
        Purpose::Request => None,
        Purpose::Receipt { payment } => road.store.payment(payment).await?,
    };
    let composed = compose::compose(road, lease, &request, payment.as_ref(), (purpose, to)).await?;
    let repeats_safely = provider
        .repeats_safely(JobSpec { stands: Stands::Beside, ..job(lease) })
        .await
        .map_err(|failure| FlowError::Plugin { plugin: road.mail.provider.clone(), failure })?;
    Ok(Some(Letter { request, payment, purpose, composed, repeats_safely }))
}

/// The request was paid, cancelled or expired meanwhile: nothing is sent any more, and what was begun says so.
async fn leave(road: &Road, lease: &Lease) -> Result<(), FlowError> {
    let now_ms = road.now_ms();
    let mut tx = road.store.begin().await?;
    if let Some(message) = tx.message_of_effect(&lease.key).await?.filter(|message| message.sent_ms.is_none())
    {
        let lost = tx.close_lost_attempts(message.id, now_ms).await?;
        let state = if lost > 0 { MessageState::Unknown } else { MessageState::Failed };
        tx.message_not_sent(message.id, state, NOT_ANY_MORE).await?;
    }
    tx.finish(lease, &Finish::Done, now_ms).await?;
    tx.commit().await?;
    Ok(())
}

/// Whether what may have been delivered may be sent once more.
fn may_repeat(road: &Road, letter: &Letter, lost: i64) -> bool {
    letter.repeats_safely || (road.mail.on_unknown == OnUnknown::Repeat && lost <= 1)
}

/// Records that an attempt begins. None where an earlier one may have been delivered and must not be repeated.
async fn begin(road: &Road, lease: &Lease, letter: &Letter) -> Result<Option<Begun>, FlowError> {
    let now_ms = road.now_ms();
    let mut tx = road.store.begin().await?;
    // Too slow a worker must not send what another one has sent meanwhile.
    tx.still_ours(lease).await?;
    let message = tx
        .message(&NewMessage {
            key: &lease.key,
            request_id: letter.request.id,
            payment_id: letter.payment.as_ref().map(|payment| payment.id),
            purpose: letter.purpose.name(),
            message_id: &letter.composed.message_id,
            recipient: &letter.composed.recipient.address,
            subject: &letter.composed.subject,
            provider: &road.mail.provider,
            now_ms,
        })
        .await?;
    let lost = tx.close_lost_attempts(message.id, now_ms).await?;
    if lost > 0 && !may_repeat(road, letter, lost) {
        let text =
            "an earlier attempt may have been delivered: see `remitd mail show`, then resend or leave it";
        tx.message_not_sent(message.id, MessageState::Unknown, text).await?;
        tx.event_of_request(letter.request.id, "mail held", "daemon", text, now_ms).await?;
        let held = Finish::Unknown { code: "maybe-sent".to_owned(), message: text.to_owned() };
        tx.finish(lease, &held, now_ms).await?;
        tx.commit().await?;
        return Ok(None);
    }
    let attempt = tx.begin_attempt(message.id, now_ms).await?;
    tx.commit().await?;
    Ok(Some(Begun { message, attempt, lost }))
}

async fn end(
    road: &Road,
    lease: &Lease,
    letter: &Letter,
    begun: &Begun,
    result: Result<String, Failure>,
) -> Result<(), FlowError> {
    let now_ms = road.now_ms();
    let (message, request) = (&begun.message, letter.request.id);
    let mut tx = road.store.begin().await?;
    match result {
        Ok(provider_ref) => {
            tx.end_attempt(message.id, begun.attempt, "sent", &provider_ref, now_ms).await?;
            tx.message_sent(message.id, &provider_ref, now_ms).await?;
            let what = format!("{} mailed", message.purpose);
            tx.event_of_request(request, &what, "daemon", &message.recipient, now_ms).await?;
            tx.finish(lease, &Finish::Done, now_ms).await?;
        }
        Err(failure) => {
            let unknown = failure.class == FailureClass::UnknownOutcome;
            let outcome = if unknown { "unknown" } else { "failed" };
            tx.end_attempt(message.id, begun.attempt, outcome, &failure.message, now_ms).await?;
            let again = may_repeat(road, letter, begun.lost + i64::from(unknown));
            let repeat = if again { Repeat::Safe } else { Repeat::Harmful };
            let next = verdict(lease, &failure, repeat, now_ms);
            let state = match next {
                Finish::Failed { .. } => MessageState::Failed,
                Finish::Unknown { .. } => MessageState::Unknown,
                _ => MessageState::Sending,
            };
            tx.message_not_sent(message.id, state, &failure.message).await?;
            if state != MessageState::Sending {
                let what = if unknown { "mail held" } else { "mail undeliverable" };
                tx.event_of_request(request, what, "daemon", &failure.message, now_ms).await?;
                tracing::error!(request, message = message.id, error = %failure.message, what);
            }
            tx.finish(lease, &next, now_ms).await?;
        }
    }
    road.point("mail.before_commit")?;
    tx.commit().await?;
    Ok(())
}

/// Sends a message again that a person wants sent again.
pub async fn resend(road: &Road, message: i64) -> Result<(), FlowError> {
    let found = road
        .store
        .message(message)
        .await?
        .ok_or_else(|| FlowError::refused("REMIT-0407", format!("there is no message {message}")))?;
    let now_ms = road.now_ms();
    let mut tx = road.store.begin().await?;
    tx.forget_lost_attempts(message).await?;
    let revived = tx.revive(&found.key, now_ms).await?;
    if !revived {
        let text =
            format!("message {message} is {}: only one that was not sent can be sent again", found.state);
        return Err(FlowError::refused("REMIT-0408", text));
    }
    tx.event_of_request(found.request_id, "mail again", "cli", &found.recipient, now_ms).await?;
    tx.commit().await?;
    road.wake.all();
    Ok(())
}
