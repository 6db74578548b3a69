package mllibpy.algorithm.cluster

import mllibpy.engine.{Blocks, Monitor}
import mllibpy.kernel.cluster.{Centres, ChosenSum, NearRows, Points, TriedSum}
import mllibpy.kernel.linear.Examples

import java.util.{IdentityHashMap, SplittableRandom}

/** Greedy k-means++ on the driver's own blocks: each step draws a few rows, by weight times squared
  * distance from the nearest seed, and takes the one that leaves the least (Arthur, Vassilvitskii:
  * k-means++, the advantages of careful seeding, 2007, section 6). A row is drawn by its place in
  * the sum over all rows, so that blocks do not change who is drawn.
  */
private[cluster] final class Greedy(
    blocks: Blocks[Examples],
    k: Int,
    seed: Long,
    shift: Array[Double],
    cosine: Boolean,
    monitor: Monitor
) {
  private val random = new SplittableRandom(seed)
  private val trials = 2 + Math.log(k.toDouble).toInt
  private val near = new IdentityHashMap[Examples, NearRows]
  private val order = RowNumbers.inOrder(blocks)
  for (block <- order) near.put(block, new NearRows(block.rows, trials))
  var passes = 0

  /** As many as there are different rows, if that is less than k. */
  def centres: Seq[Array[Double]] = {
    var found = Vector.empty[Array[Double]]
    var masses = order.map(b => near.get(b).masses(b))
    while (found.length < k && masses.sum > 0) {
      monitor.check()
      val tried = drawn(masses, if (found.isEmpty) 1 else trials)
      val best = chosen(tried)
      found :+= tried(best)
      passes += 1
      masses = Greedy.choose(blocks, near, best)
    }
    found
  }

  private def drawn(masses: Seq[Double], n: Int): Seq[Array[Double]] = {
    val sums = masses.scanLeft(0.0)(_ + _).toArray
    Seq.fill(n) {
      val at = random.nextDouble() * sums.last
      val b = Math.max(0, sums.lastIndexWhere(_ <= at, sums.length - 2))
      val block = order(b)
      Points.row(block, near.get(block).rowAt(block, at - sums(b)), cosine)
    }
  }

  private def chosen(tried: Seq[Array[Double]]): Int = {
    passes += 1
    val left = Greedy.attempt(blocks, near, Centres(tried, shift, cosine)).left
    left.indices.minBy(left(_))
  }
}

private object Greedy {
  def attempt(
      blocks: Blocks[Examples],
      near: IdentityHashMap[Examples, NearRows],
      tried: Centres
  ): TriedSum =
    blocks.sum(64)(() => new TriedSum(tried, near.get(_)))(_ add _)(_ merge _)

  /** What weighs each block after the seed was taken. */
  def choose(
      blocks: Blocks[Examples],
      near: IdentityHashMap[Examples, NearRows],
      best: Int
  ): Seq[Double] =
    blocks.sum(64)(() => new ChosenSum(best, near.get(_)))(_ add _)(_ merge _).masses.toSeq
}
