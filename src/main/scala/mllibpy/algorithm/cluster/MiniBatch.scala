package mllibpy.algorithm.cluster

import mllibpy.algorithm.linear.LinearData
import mllibpy.engine.{Monitor, StepRecord}
import mllibpy.kernel.Scramble
import mllibpy.kernel.cluster.{BatchPlan, BatchSum, Beside, Centres, Search}

import scala.util.Random

/** What is asked of mini-batch k-means beside what all fits are asked.
  *
  * @param batch
  *   rows of a batch, about
  * @param initSize
  *   rows that seeds are found among
  * @param patience
  *   batches in a row without a better smoothed inertia that end it
  * @param ratio
  *   centres of less than this share of the largest one's rows begin anew
  * @param whole
  *   whether all rows are one batch, for one step
  * @param counts
  *   weights that the given centres have seen
  * @param lengths
  *   what their sums are, as a multiple of the centres, see [[KMeansFit]]
  */
final case class MiniBatchParams(
    batch: Int,
    initSize: Int,
    patience: Option[Int],
    ratio: Double,
    whole: Boolean,
    counts: Array[Double],
    lengths: Array[Double]
)

/** Mini-batch k-means (Sculley: Web-scale k-means clustering, 2010): each centre moves to the mean
  * of all rows that batches have given it. A step is one job, which sums the rows of its batch.
  */
object MiniBatch {
  def apply(
      data: LinearData,
      p: KMeansParams,
      b: MiniBatchParams,
      monitor: Monitor
  ): KMeansFit = {
    monitor.enter("reading")
    KMeans.check(data, if (b.counts.isEmpty) p else p.copy(k = 1))
    new MiniBatch(data, p, b, monitor).run()
  }

  // What a batch's rows are spread over: 10 k of them between two looks for starved centres.
  private final val Looks = 10
}

private final class MiniBatch(
    data: LinearData,
    p: KMeansParams,
    b: MiniBatchParams,
    monitor: Monitor
) {
  private val numbers = RowNumbers.of(data)
  private val fit = Random.nextLong()
  private val rows = data.spread.rows
  private val size = if (b.whole) rows.toDouble else Math.min(b.batch.toLong, rows).toDouble
  private val mostSteps = if (b.whole) 1 else Math.max(1, (p.maxIter * rows / size).toInt)
  private val enough = Running.enough(p, data.spread)

  private var centres: Centres = _
  private var counts: Array[Double] = _
  private var lengths: Array[Double] = _
  private var step = 0
  private var since = 0.0
  private var smoothed = Double.NaN
  private var best = Double.PositiveInfinity
  private var worse = 0
  private var history = Vector.empty[Double]

  def run(): KMeansFit = {
    val seeds = new Seeds(data, p, monitor)
    centres = seeds.among(b.initSize)
    counts = if (b.counts.isEmpty) new Array[Double](p.k) else b.counts.clone()
    lengths = if (b.lengths.isEmpty) new Array[Double](p.k) else b.lengths.clone()
    monitor.enter("batches")
    var reason: Option[String] = None
    try while (reason.isEmpty) reason = iterate()
    finally Beside.forget(fit)
    val end = Passes.finish(data.blocks, Array(centres), p.labels, Seq(seeds.fit, fit))
    new KMeansFit(
      centres.values,
      p.k,
      end.inertia(0),
      Math.ceil(step * size / rows).toInt,
      reason.get,
      history,
      end.labels.toSeq,
      end.weights(0).count(_ > 0),
      seeds.passes + step + 1,
      Nil,
      0,
      step,
      counts,
      lengths
    )
  }

  private def iterate(): Option[String] = {
    val began = System.nanoTime()
    since += size
    val look = b.ratio > 0 && (counts.contains(0.0) || since >= MiniBatch.Looks * p.k)
    if (look) since = 0
    val share = if (b.whole) 1.0 else size / rows
    val spare = if (look) Math.max(1, (size / 2).toInt).min(p.k) else 0
    val draw = Scramble.mix(p.seed + 2L * step)
    val found =
      Passes.batch(data.blocks, new BatchPlan(fit, step, centres, share, draw, spare), numbers)
    step += 1
    val before = centres
    move(found)
    if (look) replace(found)
    val shift = (0 until p.k).map(c => centres.apart(c, before.values, c * data.features)).sum
    val mean = found.cost / Math.max(1, found.rows)
    history :+= mean
    monitor.record(StepRecord(step, "batch", mean, (System.nanoTime() - began) / 1e9))
    // A batch that no row fell into says nothing.
    if (found.rows == 0 && step < mostSteps) None else ended(mean, shift)
  }

  private def move(found: BatchSum): Unit = {
    val n = data.features
    val sums = found.sums
    for (c <- counts.indices; f <- 0 until n)
      sums(c * n + f) += lengths(c) * centres.values(c * n + f)
    for (c <- counts.indices) {
      counts(c) += found.weights(c)
      lengths(c) = if (centres.cosine) Math.sqrt(Search.square(sums, c * n, n)) else counts(c)
    }
    val values = Running.means(centres, sums, counts)
    centres = new Centres(p.k, n, values, centres.shift, centres.cosine)
  }

  /** Centres that batches starve begin anew at rows of the batch. */
  private def replace(found: BatchSum): Unit = {
    val rows = found.spare.ascending
    val starved = counts.indices.filter(counts(_) < b.ratio * counts.max).sortBy(counts(_))
    val taken = starved.take(Math.min(rows.length, (size / 2).toInt))
    if (taken.nonEmpty && taken.length < p.k) {
      val values = centres.values.clone()
      val least = counts.indices.diff(taken).map(counts(_)).min
      for ((c, row) <- taken.zip(rows)) {
        System.arraycopy(row, 0, values, c * data.features, data.features)
        counts(c) = least
        lengths(c) = least
      }
      centres = new Centres(p.k, data.features, values, centres.shift, centres.cosine)
    }
  }

  /** scikit-learn's rules: few moves, or no better inertia, smoothed over about an epoch. */
  private def ended(mean: Double, shift: Double): Option[String] =
    if (step == 1 && mostSteps > 1) None
    else {
      val alpha = Math.min(1, 2 * size / (rows + 1.0))
      smoothed = if (smoothed.isNaN) mean else smoothed * (1 - alpha) + mean * alpha
      if (smoothed < best) {
        best = smoothed
        worse = 0
      } else worse += 1
      if (p.tol > 0 && shift <= enough) Some(s"the centres moved by less than tol=${p.tol}")
      else if (b.patience.exists(worse >= _))
        Some(s"the inertia of batches fell no further in ${b.patience.get} of them")
      else if (step >= mostSteps) Some(s"max_iter=${p.maxIter} epochs done")
      else None
    }
}
