package mllibpy.algorithm.cluster

import mllibpy.algorithm.linear.LinearData
import mllibpy.engine.{InvalidInput, Monitor}
import mllibpy.kernel.cluster.Centres
import mllibpy.kernel.linear.Form

/** K-means: seeds, Lloyd's algorithm from each start, and the best of them. */
object KMeans {
  def apply(data: LinearData, p: KMeansParams, monitor: Monitor): KMeansFit = {
    monitor.enter("reading")
    check(data, p)
    val seeds = new Seeds(data, p, monitor)
    val starts = seeds.starts
    monitor.enter("iterations")
    val lloyd = new Lloyd(data.blocks, data.spread, p, monitor)
    val running = lloyd.run(starts)
    monitor.enter("labels")
    running.foreach(_.collapse(if (data.form == Form.Floats) 1e-11 else 1e-28))
    val all = running.map(_.centres).toArray
    val alone = all.length == 1
    val end = Passes.finish(data.blocks, all, p.labels && alone, Seq(seeds.fit, lloyd.fit))
    val best = all.indices.minBy(end.inertia(_))
    // The last move of the centres may have left some without rows.
    val empty = end.weights(best).indices.filter(end.weights(best)(_) == 0)
    running(best).refuseEmpty(empty)
    val dropped = empty.nonEmpty && p.empty == "drop"
    if (dropped) running(best).drop(empty)
    val again = p.labels && (dropped || !alone)
    val labels =
      if (again)
        Passes.finish(data.blocks, Array(running(best).centres), labelled = true).labels
      else end.labels
    val passes = seeds.passes + lloyd.passes + (if (again) 2 else 1)
    result(running(best), end.inertia(best), end.weights(best), labels.toSeq, passes)
  }

  private def result(
      r: Running,
      inertia: Double,
      weights: Array[Double],
      labels: Seq[Array[Int]],
      passes: Int
  ) = {
    InvalidInput.unless(
      r.centres.values.forall(java.lang.Double.isFinite) && java.lang.Double.isFinite(inertia),
      "the centres became infinite; scale the features down"
    )
    new KMeansFit(
      r.centres.values,
      r.centres.k,
      inertia,
      r.iterations,
      r.reason.get,
      r.history,
      labels,
      weights.count(_ > 0),
      passes,
      r.scored,
      r.reseeded
    )
  }

  private[cluster] def check(data: LinearData, p: KMeansParams): Unit = {
    val spread = data.spread
    InvalidInput.unless(
      spread.rows >= p.k,
      s"n_samples=${spread.rows} should be >= n_clusters=${p.k}."
    )
    InvalidInput.unless(
      !p.cosine || spread.zeros == 0,
      s"${spread.zeros} rows are zero in all features, and have no cosine distance; drop such rows"
    )
    InvalidInput.unless(
      spread.longest < Longest,
      s"a row has the length ${spread.longest}, too large for its squares; scale the features down"
    )
    InvalidInput.unless(
      data.form != Form.Floats || spread.longest == 0 || spread.longest > Shortest,
      s"the longest row has the length ${spread.longest}, too small for its squares in float32;" +
        " scale the features up, or give float64"
    )
  }

  // Squares of longer rows do not fit float32; of shorter ones nothing is left in it.
  private final val Longest = 1e18
  private final val Shortest = 1e-18

  /** What is left of rows with centres that are not of their fit. */
  def inertia(data: LinearData, centres: Centres): Double =
    Passes.finish(data.blocks, Array(centres), labelled = false).inertia(0)
}
