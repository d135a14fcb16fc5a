//! What calls of the marketplace have in common: the instance must exist and not be released, a call
//! with an effect counts once, and debugging calls are answered apart.

use koogallery::{Answer, Rejection, ResultCode};

use crate::app::command::Failed;
use crate::app::transaction::UnitOfWork;
use crate::store::{Instance, InstanceState, StoreError, Tx};

/// The answer to debugging: whether the instance exists at all, whatever its state.
pub(crate) async fn test_answer(
    tx: &mut dyn Tx,
    instance_id: &str,
    known: ResultCode,
) -> Result<Answer, StoreError> {
    let exists = tx.is_test_instance(instance_id).await? || tx.is_instance(instance_id).await?;
    Ok(Answer::of(if exists { known } else { ResultCode::InstanceUnknown }))
}

/// The answer to debugging a call that would have an effect: judged as such, replays included.
pub(crate) async fn test_effect(
    tx: &mut dyn Tx,
    work: &UnitOfWork<'_>,
    instance_id: &str,
    nonce: &[u8],
) -> Result<Answer, Failed<Rejection>> {
    let answer = test_answer(tx, instance_id, ResultCode::Success).await?;
    if answer.result_code.accepted() {
        first_use(tx, work, nonce).await?;
    }
    Ok(answer)
}

/// The instance, unless it never was or was released.
pub(crate) async fn live(
    tx: &mut dyn Tx,
    instance_id: &str,
) -> Result<Instance, Failed<Rejection>> {
    let found = tx.instance(instance_id).await?;
    let live = found.filter(|instance| instance.state != InstanceState::Released);
    live.ok_or_else(|| Rejection::plain(ResultCode::InstanceUnknown).into())
}

/// Remembers the nonce together with the effect of its call, for as long as a replay could still
/// lie within the window; a second one is refused.
pub(crate) async fn first_use(
    tx: &mut dyn Tx,
    work: &UnitOfWork<'_>,
    nonce: &[u8],
) -> Result<(), Failed<Rejection>> {
    let window = work.context.window_ms.div_euclid(1000).max(1);
    // The call's own time is at most one window ahead of ours, and counts for one window more.
    let until = work.now.plus(3 * window + 1).as_secs();
    if tx.add_nonce(nonce, until).await? {
        return Ok(());
    }
    Err(Rejection::new(
        ResultCode::BadParameter,
        "this nonce was used before: the call is a replay",
        "nonce已使用，请求重放",
    )
    .into())
}
