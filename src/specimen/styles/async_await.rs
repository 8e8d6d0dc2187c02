//! `/chain` with `async` and `await`. It reads like code that waits, and does not: at each `await` the function is left, and entered again.

use super::{Ask, Reply};
use crate::specimen::upstream::Outcome;

/// Answers with the price of the user's orders.
pub async fn chain(ask: Ask, reply: Reply) {
    match look_up(&ask).await {
        Ok(price) => reply.send(&price),
        Err(failure) => reply.fail(&failure),
    }
}

/// A `?` cannot be forgotten: without it the types do not fit.
async fn look_up(ask: &Ask) -> Outcome {
    let user = ask.user().await?;
    let orders = ask.orders(&user).await?;
    ask.price(&orders).await
}
