//! A database that misbehaves: locked, changed under the plugin's feet, or empty.

use crate::act::Act;
use crate::bench::{Bench, Clean, KEY};
use crate::case::{Case, Ended, Tried, case, failed, hold, shown, skipped, unbroken};
use crate::evidence::Evidence;
use remitd_host::FailureClass;
use std::sync::Arc;

pub(super) const CASES: &[Case] = &[
    case!(
        "database-locked",
        "While the matter software holds its database, every call says unavailable, and works afterwards.",
        locked
    ),
    case!(
        "tables-gone",
        "Where its tables have other names, it says invalid and what is missing.",
        tables_gone
    ),
];

async fn on_databases(bench: &Bench) -> Result<Vec<(Act, Arc<Clean>)>, Ended> {
    let mut acts = bench.acts().await?;
    acts.retain(|(_, clean)| clean.called.iter().any(|call| call.starts_with("sql")));
    if acts.is_empty() { Err(skipped("it makes no sql calls")) } else { Ok(acts) }
}

async fn locked(bench: &Bench) -> Tried {
    let acts = on_databases(bench).await?;
    let playing = acts.iter().map(|(act, clean)| async move {
        let world = bench.staged(act).await?;
        let mut locks = Vec::new();
        for database in &world.databases {
            locks.push(database.lock().await?);
        }
        let said = act.play(&world, world.job(KEY)).await?;
        for lock in locks {
            lock.release().await;
        }
        unbroken(&said, &format!("with the database locked, in {}", act.name))?;
        match said {
            Err(failure) if failure.class == FailureClass::Unavailable => {}
            Err(failure) => {
                let why = shown(&failure);
                return Err(failed(format!(
                    "with the database locked, {} ends with {why}: that passes, pass it on",
                    act.name
                )));
            }
            Ok(_) => {
                return Err(failed(format!("with the database locked, {} answers all the same", act.name)));
            }
        }
        act.play(&world, world.job(KEY)).await?.map_err(|failure| {
            failed(format!("with the lock gone, {} ends with {}", act.name, shown(&failure)))
        })?;
        let now = Evidence::of(&world, KEY).await?;
        match now.difference(&clean.after, clean.steady) {
            None => Ok(()),
            Some(difference) => Err(failed(format!("with the lock gone, after {}: {difference}", act.name))),
        }
    });
    futures_util::future::try_join_all(playing).await.map(drop)
}

async fn tables_gone(bench: &Bench) -> Tried {
    for (act, _) in on_databases(bench).await? {
        let world = bench.fresh().await?;
        for database in &world.databases {
            database.rename_tables().await?;
        }
        let said = act.play(&world, world.job(KEY)).await?;
        unbroken(&said, &format!("with its tables renamed, in {}", act.name))?;
        match said {
            Err(failure) => {
                hold(matches!(failure.class, FailureClass::Invalid | FailureClass::Denied), || {
                    format!(
                        "with its tables renamed, {} ends with {}: it will not pass by itself",
                        act.name,
                        shown(&failure)
                    )
                })?
            }
            Ok(answer) => {
                return Err(failed(format!(
                    "with its tables renamed, {} answers {}: pass the failure on",
                    act.name,
                    crate::case::cut(&answer)
                )));
            }
        }
    }
    Ok(())
}
