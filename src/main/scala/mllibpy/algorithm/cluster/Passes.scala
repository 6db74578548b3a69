package mllibpy.algorithm.cluster

import mllibpy.engine.{Blocks, Shared}
import mllibpy.kernel.cluster.{
  AssignPlan,
  AssignSum,
  BatchPlan,
  BatchSum,
  Centres,
  DrawPlans,
  DrawSums,
  Farthest,
  FinalSum
}
import mllibpy.kernel.linear.Examples

/** The passes of k-means: each is one job. What they need is shared once with each executor. In
  * methods of an object, so that the tasks' closures hold just their arguments.
  */
private[cluster] object Passes {
  def assign(blocks: Blocks[Examples], plan: AssignPlan): AssignSum = {
    val bytes = plan.starts.map(s => 8L * s.centres.values.length).sum
    shared(blocks, plan)(assigned(blocks, _, bytes))
  }

  /** @param fits
    *   that end with this pass
    */
  def finish(
      blocks: Blocks[Examples],
      of: Array[Centres],
      labelled: Boolean,
      fits: Seq[Long] = Nil
  ): FinalSum = shared(blocks, of)(finished(blocks, _, labelled, fits))

  def farthest(blocks: Blocks[Examples], centres: Centres, most: Int): Seq[Array[Double]] =
    shared(blocks, centres)(far(blocks, _, most)).found.ascending

  def draw(blocks: Blocks[Examples], plans: DrawPlans, rows: RowNumbers): DrawSums = {
    val numbers = blocks.share(rows)
    val bytes = plans.starts.map(p => 8L * p.most * p.features).sum
    try shared(blocks, plans)(drawn(blocks, _, numbers, bytes))
    finally numbers.destroy()
  }

  def batch(blocks: Blocks[Examples], plan: BatchPlan, rows: RowNumbers): BatchSum = {
    val numbers = blocks.share(rows)
    try shared(blocks, plan)(batched(blocks, _, numbers, 16L * plan.centres.values.length))
    finally numbers.destroy()
  }

  private def shared[T <: AnyRef: scala.reflect.ClassTag, S](
      blocks: Blocks[Examples],
      value: T
  )(pass: Shared[T] => S): S = {
    val at = blocks.share(value)
    try pass(at)
    finally at.destroy()
  }

  private def assigned(blocks: Blocks[Examples], plan: Shared[AssignPlan], bytes: Long) =
    blocks.sum(bytes)(() => new AssignSum(plan.value))(_ add _)(_ merge _)

  private def finished(
      blocks: Blocks[Examples],
      of: Shared[Array[Centres]],
      labelled: Boolean,
      fits: Seq[Long]
  ) =
    blocks.sum(64)(() => new FinalSum(of.value, labelled, fits))(_ add _)(_ merge _)

  private def far(blocks: Blocks[Examples], centres: Shared[Centres], most: Int) =
    blocks.sum(64)(() => new Farthest(centres.value, most))(_ add _)(_ merge _)

  private def drawn(
      blocks: Blocks[Examples],
      plans: Shared[DrawPlans],
      rows: Shared[RowNumbers],
      bytes: Long
  ) =
    blocks.sum(bytes)(() => new DrawSums(plans.value, b => rows.value.first(b)))(_ add _)(_ merge _)

  private def batched(
      blocks: Blocks[Examples],
      plan: Shared[BatchPlan],
      rows: Shared[RowNumbers],
      bytes: Long
  ) =
    blocks.sum(bytes)(() => new BatchSum(plan.value, b => rows.value.first(b)))(_ add _)(_ merge _)
}
