//! Pages from templates, and the words of every notice that a payer can meet.

use axum::http::StatusCode;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use remitd_domain::money::Money;
use remitd_flow::Firm;
use remitd_flow::collect::Standing;

const FUEL: u64 = 50_000;

pub(crate) struct Pages {
    environment: Environment<'static>,
    firm: Value,
    pub style: String,
}

impl Pages {
    pub fn new(firm: &Firm) -> Result<Pages, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.add_template("layout.html", include_str!("pages/layout.html"))?;
        environment.add_template("pay.html", include_str!("pages/pay.html"))?;
        environment.add_template("notice.html", include_str!("pages/notice.html"))?;
        let style =
            include_str!("pages/style.css").replace("--firm: #1f4e79", &format!("--firm: {}", firm.colour));
        let firm = context! { name => &firm.name, disclaimer => &firm.disclaimer };
        Ok(Pages { environment, firm, style })
    }

    pub fn render(&self, name: &str, values: &Value) -> Result<String, minijinja::Error> {
        let values = context! { firm => &self.firm, ..values.clone() };
        self.environment.get_template(name)?.render(values)
    }
}

/// For screen readers, which stumble over grouped digits and codes.
pub(crate) fn amount_in_words(money: Money) -> String {
    format!("{money} {}", money.currency().name())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    Thanks,
    /// Back from the gateway, whose word is not here yet.
    Awaited,
    Used,
    Processing,
    Cancelled,
    Expired,
    /// Forged, mistyped, cut off, or never ours: all the same from outside.
    Unknown,
    Moment,
    Refused,
    Trouble,
}

impl Notice {
    pub fn of(standing: Standing) -> Notice {
        match standing {
            Standing::Payable => Notice::Moment,
            Standing::Processing => Notice::Processing,
            Standing::Used => Notice::Used,
            Standing::Cancelled => Notice::Cancelled,
            Standing::Expired => Notice::Expired,
        }
    }

    pub fn status(self) -> StatusCode {
        match self {
            Notice::Thanks | Notice::Awaited | Notice::Processing => StatusCode::OK,
            Notice::Moment => StatusCode::ACCEPTED,
            Notice::Used | Notice::Cancelled | Notice::Expired => StatusCode::GONE,
            Notice::Unknown => StatusCode::NOT_FOUND,
            Notice::Refused => StatusCode::BAD_GATEWAY,
            Notice::Trouble => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Whether the page loads itself again after a moment.
    pub fn looks_again(self) -> bool {
        matches!(self, Notice::Awaited | Notice::Processing)
    }

    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Notice::Thanks => {
                ("Thank you", "Your payment has been received. A receipt is on its way to you by e-mail.")
            }
            Notice::Awaited => (
                "One moment, please",
                "We are waiting for the payment provider to confirm your payment; this page looks again by itself. If you did not finish paying, open the link in your e-mail again.",
            ),
            Notice::Used => (
                "This link has been used",
                "A payment was made with it. If something is still open, ask the firm for a new link.",
            ),
            Notice::Processing => (
                "Your payment is on its way",
                "There is nothing more for you to do. A receipt follows by e-mail once the payment is sure; with a bank account this can take a few business days.",
            ),
            Notice::Cancelled => (
                "This payment request was cancelled",
                "Nothing is to be paid with this link: what it asked for is settled, or you were sent a newer one. If you think that this is a mistake, ask the firm.",
            ),
            Notice::Expired => ("This link has expired", "Ask the firm for a new one."),
            Notice::Unknown => (
                "There is nothing here",
                "Please check that the whole link was copied from your e-mail, or ask the firm for a new one.",
            ),
            Notice::Moment => (
                "One moment, please",
                "The payment page is being prepared. Go back and press the button again in a moment; you cannot pay twice.",
            ),
            Notice::Refused => (
                "The payment page could not be opened",
                "Nothing was charged. Please try again later, or ask the firm.",
            ),
            Notice::Trouble => {
                ("We cannot answer right now", "Nothing was charged. Please try again in a few minutes.")
            }
        }
    }
}
