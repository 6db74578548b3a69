package mllibpy.kernel.cluster

import mllibpy.kernel.linear.Examples

/** A step of mini-batch k-means.
  *
  * @param share
  *   of all rows that are in the batch, each by a draw of its own
  * @param draw
  *   numbers the batch
  * @param spare
  *   rows of the batch to give for centres that have too few
  */
final class BatchPlan(
    val fit: Long,
    val step: Int,
    val centres: Centres,
    val share: Double,
    val draw: Long,
    val spare: Int
) extends Serializable

/** A batch's rows, summed by their nearest centres: the statistic of a step. Rows' keys rest beside
  * the blocks, so that a step touches its own rows alone.
  */
final class BatchSum(
    @transient private val plan: BatchPlan,
    @transient private val first: Examples => Long
) extends Serializable {
  private def centres = plan.centres
  val sums = new Array[Double](plan.centres.values.length)
  val weights = new Array[Double](plan.centres.k)
  var rows = 0L
  var cost = 0.0
  val spare = new Drawn(Math.max(1, plan.spare), plan.centres.features)
  @transient private lazy val rowKeys = new RowKeys(first)

  def add(block: Examples): this.type = {
    val keys = keysOf(block)
    val of = new Array[Int](block.rows)
    var n = 0
    var r = 0
    while (r < block.rows) {
      if (plan.share >= 1 || RowKeys.unit(keys(r), plan.draw) < plan.share) {
        of(n) = r
        n += 1
      }
      r += 1
    }
    val search = Search.of(block)
    Search.tiles(n) { (from, m) =>
      search.gather(of, from, m)
      search.find(centres, two = false)
      for (i <- 0 until m) see(block, search, of(from + i), search.which(i), keys)
    }
    rows += n
    this
  }

  private def keysOf(block: Examples): Array[Long] = {
    val found = if (plan.step == 0) null else KeyStates.take(block, plan.fit, plan.step)
    val keys =
      if (found != null) found
      else rowKeys.next(block)
    KeyStates.put(block, plan.fit, plan.step + 1, keys)
    keys
  }

  private def see(
      block: Examples,
      search: Search,
      row: Int,
      c: Int,
      keys: Array[Long]
  ): Unit = {
    val weight = block.weight(row)
    weights(c) += weight
    cost += weight * Distance(search, centres, row, c)
    val by = if (centres.cosine) weight / search.length(row) else weight
    block.addTo(row, by, sums, c * centres.features)
    if (plan.spare > 0 && weight > 0)
      spare.offer(
        RowKeys.unit(keys(row), plan.draw + 1),
        Points.row(block, row, centres.cosine)
      )
  }

  def merge(other: BatchSum): this.type = {
    AssignSum.add(other.sums, sums)
    AssignSum.add(other.weights, weights)
    spare.merge(other.spare)
    rows += other.rows
    cost += other.cost
    this
  }
}

private[cluster] object KeyStates extends Beside[Array[Long]]
