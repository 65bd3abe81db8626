//! 029x: what `remitd reconcile` finds.

use super::{Code, code};

#[rustfmt::skip]
pub const CODES: &[Code] = &[
    code("REMIT-0290", "The gateway has a payment that remitd has not heard of",
        "Its event has not come: remitd did not run, or could not reach the gateway. Or what came was odd, of another currency perhaps, and nothing was written. Or the checkout is none of ours: somebody else uses the gateway's account, or a backup was restored that is older than the payment.",
        "`remitd status` shows whether the gateway is polled; a running remitd takes in by itself what it has missed. `remitd request show` shows what was odd. Settle by hand what is none of ours."),
    code("REMIT-0291", "Gateway and remitd have a payment otherwise",
        "Its state, its amount, or the part of it that went back is another one. An event has not come yet, or what came was odd, and nothing was written.",
        "Let remitd run until it has polled, then look at `remitd request show`. What goes back, in part too, remitd takes back by itself once it has heard of it: only what is shown there as odd is settled by hand."),
    code("REMIT-0292", "The gateway does not know a payment",
        "The gateway still tells of the time of this payment, and does not tell of it. Its plugin's key or address opens another account than the one that took the money.",
        "Look for the reference at the gateway, then at the settings and secrets of the plugin."),
    code("REMIT-0293", "A payment's postings do not come to it",
        "The shares of a payment always sum to it, and what went back is taken back, in one transaction. Where they do not, rows of remitd's database were changed by hand, or a backup was restored in part.",
        "Compare `remitd request show` with `remitd posting list --view all`, and restore a whole backup. What is booked by hand before is booked twice once it is found again."),
    code("REMIT-0294", "A receipt is missing in the matter software",
        "It was posted, and its key is not there any more: the receipt was deleted, or the matter database was restored from a backup.",
        "Write it again by hand with the posting's key, so that it is found; where it was deleted on purpose, write down why."),
    code("REMIT-0295", "A receipt is of another amount or for another statement",
        "It was changed in the matter software after it was posted.",
        "Put it back, or book the difference where it belongs. What the payer paid, gateway and remitd agree on."),
    code("REMIT-0296", "A receipt stands in the matter software twice",
        "It was copied there, or the connector's statement `receipts` joins a table that has several rows for one receipt.",
        "Delete the copy, or mend the statement so that it gives each receipt once."),
    code("REMIT-0297", "A receipt is there, and its posting is not noted as posted",
        "The receipt was written and the answer was lost. A queued posting finds it by its key at the next attempt; one that was removed as handled by hand may now be in the books twice.",
        "`remitd posting retry ID` finds it by its key and writes nothing. Of a removed one, delete one of the two in the matter software."),
    code("REMIT-0298", "A receipt that no posting knows",
        "The matter software has a receipt with a key that remitd never gave out: a person or another program wrote it, or remitd's database is older than the receipt.",
        "Find out who wrote it. After a restore, restore the newest backup; else delete the receipt, or give it no key."),
    code("REMIT-0299", "A side could not be compared",
        "A gateway or a matter database did not answer, or its plugin cannot tell what is there; or a gateway tells nothing of payments of the last 30 days: its key opens another account; or there is more than can be held at once.",
        "Do what the message says. For the SQL connector, set `receipts`: config/presets has examples."),
];
