//! Stage 3. A message goes out, once: what is sent is derived from stored rows alone, so that every attempt is the same
//! message; the attempt is recorded before it starts; an attempt whose end is unknown is repeated only where that is harmless
//! or the firm says so.

mod compose;
mod templates;

pub use templates::{TemplateError, environment};

use crate::effect::{MAIL, Purpose, Repeat, finish, job, verdict};
use crate::error::FlowError;
use crate::plugin::MailProvider;
use crate::road::{OnUnknown, Road};
use compose::Composed;
use remitd_domain::request::State;
use remitd_host::{Failure, FailureClass};
use remitd_store::{Finish, Lease, MessageRow, MessageState, NewMessage, Payment, Request};

/// The effect: record the attempt, send, record the end.
pub async fn perform(road: &Road, lease: &Lease) -> Result<(), FlowError> {
    let provider = road.mail_provider()?;
    let Some((request, payment, purpose)) = subject(road, lease).await? else {
        return finish(road, lease, &Finish::Done).await;
    };
    let composed = compose::compose(road, lease, &request, payment.as_ref(), purpose)?;
    let safe = provider
        .repeats_safely(job(lease))
        .await
        .map_err(|failure| FlowError::Plugin { plugin: road.mail.provider.clone(), failure })?;
    let Some((message, attempt)) =
        begin(road, lease, &request, payment.as_ref(), purpose, &composed, safe).await?
    else {
        return Ok(());
    };
    road.point("mail.recorded")?;
    let result = send(provider, lease, &composed).await;
    road.point("mail.sent")?;
    end(road, lease, &request, &message, attempt, safe, result).await?;
    road.point("mail.finished")?;
    Ok(())
}

/// What the message is about; none where it is not to be sent any more.
async fn subject(
    road: &Road,
    lease: &Lease,
) -> Result<Option<(Request, Option<Payment>, Purpose)>, FlowError> {
    let purpose: Purpose = serde_json::from_str(&lease.payload).map_err(std::io::Error::from)?;
    let Some(request) = road.store.request(lease.subject_id).await? else { return Ok(None) };
    let payment = match purpose {
        Purpose::Request if request.state != State::Outstanding => return Ok(None),
        Purpose::Request => None,
        Purpose::Receipt { payment } => road.store.payment(payment).await?,
    };
    Ok(Some((request, payment, purpose)))
}

/// Records that an attempt begins. None where an earlier one may have been delivered and must not be repeated.
async fn begin(
    road: &Road,
    lease: &Lease,
    request: &Request,
    payment: Option<&Payment>,
    purpose: Purpose,
    composed: &Composed,
    safe: bool,
) -> Result<Option<(MessageRow, i64)>, FlowError> {
    let now_ms = road.now_ms();
    let mut tx = road.store.begin().await?;
    // Too slow a worker must not send what another one has sent meanwhile.
    tx.still_ours(lease).await?;
    let message = tx
        .message(&NewMessage {
            key: &lease.key,
            request_id: request.id,
            payment_id: payment.map(|payment| payment.id),
            purpose: purpose.name(),
            message_id: &composed.message_id,
            recipient: &request.payer_email,
            subject: &composed.subject,
            provider: &road.mail.provider,
            now_ms,
        })
        .await?;
    let lost = tx.close_lost_attempts(message.id, now_ms).await?;
    let once_more = road.mail.on_unknown == OnUnknown::Repeat && lost == 1;
    if lost > 0 && !safe && !once_more {
        let text =
            "an earlier attempt may have been delivered: see `remitd mail show`, then resend or leave it";
        tx.message_not_sent(message.id, MessageState::Unknown, text).await?;
        tx.event_of_request(request.id, "mail held", "daemon", text, now_ms).await?;
        let held = Finish::Unknown { code: "maybe-sent".to_owned(), message: text.to_owned() };
        tx.finish(lease, &held, now_ms).await?;
        tx.commit().await?;
        return Ok(None);
    }
    let attempt = tx.begin_attempt(message.id, now_ms).await?;
    tx.commit().await?;
    Ok(Some((message, attempt)))
}

async fn send(provider: &MailProvider, lease: &Lease, composed: &Composed) -> Result<String, Failure> {
    provider.send(job(lease), composed.wire_message()).await.map(|accepted| accepted.provider_ref)
}

async fn end(
    road: &Road,
    lease: &Lease,
    request: &Request,
    message: &MessageRow,
    attempt: i64,
    safe: bool,
    result: Result<String, Failure>,
) -> Result<(), FlowError> {
    let now_ms = road.now_ms();
    let mut tx = road.store.begin().await?;
    match result {
        Ok(provider_ref) => {
            tx.end_attempt(message.id, attempt, "sent", &provider_ref, now_ms).await?;
            tx.message_sent(message.id, &provider_ref, now_ms).await?;
            let what = format!("{} mailed", message.purpose);
            tx.event_of_request(request.id, &what, "daemon", &message.recipient, now_ms).await?;
            tx.finish(lease, &Finish::Done, now_ms).await?;
        }
        Err(failure) => {
            let unknown = failure.class == FailureClass::UnknownOutcome;
            let outcome = if unknown { "unknown" } else { "failed" };
            tx.end_attempt(message.id, attempt, outcome, &failure.message, now_ms).await?;
            let may_repeat = safe || (road.mail.on_unknown == OnUnknown::Repeat && lease.attempt == 1);
            let repeat = if may_repeat { Repeat::Safe } else { Repeat::Harmful };
            let next = verdict(lease, &failure, repeat, now_ms);
            let state = match next {
                Finish::Failed { .. } => MessageState::Failed,
                Finish::Unknown { .. } => MessageState::Unknown,
                _ => MessageState::Sending,
            };
            tx.message_not_sent(message.id, state, &failure.message).await?;
            if state != MessageState::Sending {
                let what = if unknown { "mail held" } else { "mail undeliverable" };
                tx.event_of_request(request.id, what, "daemon", &failure.message, now_ms).await?;
                tracing::error!(request = request.id, message = message.id, error = %failure.message, what);
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
    let key = match found.purpose.as_str() {
        "receipt" => found.payment_id.map(|payment| format!("{MAIL}:receipt:{payment}")),
        _ => Some(format!("{MAIL}:request:{}", found.request_id)),
    };
    let now_ms = road.now_ms();
    let mut tx = road.store.begin().await?;
    let revived = match key {
        Some(key) => {
            tx.forget_lost_attempts(message).await?;
            tx.revive(&key, now_ms).await?
        }
        None => false,
    };
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
