package mllibpy.algorithm.cluster

import mllibpy.algorithm.linear.LinearData
import mllibpy.engine.{Blocks, HereBlocks, Monitor}
import mllibpy.kernel.Scramble
import mllibpy.kernel.cluster.{Beside, Centres, DrawPlan, DrawSum, Points, Spread}
import mllibpy.kernel.linear.Examples

import scala.util.Random

/** Where starts begin. */
private[cluster] final class Seeds(data: LinearData, p: KMeansParams, monitor: Monitor) {
  private val spread = data.spread
  private val shift = Seeds.shift(spread, p.cosine)
  private lazy val numbers = RowNumbers.of(data)
  // Of the start that is being drawn, and how many passes it has made.
  private var fit = 0L
  private var round = 0
  var passes = 0

  def starts: Seq[Centres] =
    if (p.starts.nonEmpty)
      p.starts.map(v => new Centres(p.k, data.features, Seeds.normed(v, p), shift, p.cosine))
    else
      (0 until p.nInit).map { i =>
        monitor.enter(if (p.nInit > 1) s"seeds ${i + 1}" else "seeds")
        fit = Random.nextLong()
        round = 0
        try drawn(Scramble.mix(p.seed * 31 + i))
        finally Beside.forget(fit)
      }

  /** The best of several starts, found among so many rows. */
  def among(rows: Int): Centres =
    if (p.starts.nonEmpty) starts.head
    else {
      fit = Random.nextLong()
      val seed = Scramble.mix(p.seed)
      val found =
        try draw(None, None, Math.max(p.k, rows), 0, seed).drawn.ascending
        finally Beside.forget(fit)
      val here = Seeds.here(found, Array.fill(found.length)(1.0))
      val tried = (0 until p.nInit).map { i =>
        if (p.init == "random") Centres(filled(Seeds.turned(found, i * p.k)), shift, p.cosine)
        else {
          val greedy = new Greedy(here, p.k, seed + i, shift, p.cosine, monitor)
          Centres(filled(greedy.centres), shift, p.cosine)
        }
      }
      val left = Passes.finish(here, tried.toArray, labelled = false).inertia
      tried(left.indices.minBy(left(_)))
    }

  private def drawn(seed: Long): Centres = p.init match {
    case "random" =>
      Centres(filled(draw(None, None, p.k, 0, seed).drawn.ascending), shift, p.cosine)
    // Each of k-means++'s steps needs passes of its own: in Spark these would be jobs.
    case "k-means++" if data.blocks.context.isEmpty =>
      val greedy = new Greedy(data.blocks, p.k, seed, shift, p.cosine, monitor)
      val found = greedy.centres
      passes += greedy.passes
      Centres(filled(found), shift, p.cosine)
    case _ => parallel(seed)
  }

  private def draw(
      known: Option[Centres],
      fresh: Option[Centres],
      most: Int,
      number: Int,
      seed: Long
  ): DrawSum = {
    passes += 1
    val plan = new DrawPlan(
      fit,
      round,
      known,
      fresh,
      most,
      Scramble.mix(seed + number),
      data.features,
      p.cosine,
      shift
    )
    round += 1
    Passes.draw(data.blocks, plan, numbers)
  }

  /** k-means||: rounds of many rows each, then k-means on these by their weights. */
  private def parallel(seed: Long): Centres = {
    val each = Math.max(1, Math.ceil(p.oversampling * p.k).toInt)
    var all = Vector.empty[Array[Double]]
    var fresh = draw(None, None, 1, 0, seed).drawn.ascending
    var found: DrawSum = null
    var number = 1
    while (found == null || (number <= p.rounds + 1 && fresh.nonEmpty)) {
      val known = if (all.isEmpty) None else Some(Centres(all, shift, p.cosine))
      val most = if (number <= p.rounds) each else 0
      found = draw(known, Some(Centres(fresh, shift, p.cosine)), most, number, seed)
      all ++= fresh
      fresh = found.drawn.ascending
      number += 1
    }
    reclustered(all, found.weights, seed)
  }

  private def reclustered(rows: Seq[Array[Double]], weights: Array[Double], seed: Long): Centres = {
    val weighing = rows.indices.filter(weights(_) > 0)
    if (weighing.length <= p.k) Centres(filled(weighing.map(rows(_))), shift, p.cosine)
    else {
      val here = Seeds.here(weighing.map(rows(_)), weighing.map(weights(_)).toArray)
      val own = new Monitor
      val greedy = new Greedy(here, p.k, seed, shift, p.cosine, own)
      val start = Centres(filled(greedy.centres), shift, p.cosine)
      val of = here.sum(8L)(() => new Spread(data.features))(_ add _)(_ merge _)
      val few = p.copy(maxIter = Seeds.Rounds, tol = 1e-4, empty = "reseed", labels = false)
      new Lloyd(here, of, few, own).run(Seq(start)).head.centres
    }
  }

  /** As many as are wanted: where there are fewer, some stand twice. */
  private def filled(rows: Seq[Array[Double]]): Seq[Array[Double]] =
    if (rows.length >= p.k) rows.take(p.k)
    else if (rows.isEmpty) Seq.fill(p.k)(shift)
    else Iterator.continually(rows).flatten.take(p.k).toSeq
}

private[cluster] object Seeds {

  /** Iterations of k-means on candidates. */
  private final val Rounds = 10

  /** The same rows, from another one on. */
  private def turned[T](rows: Seq[T], by: Int): Seq[T] = {
    val at = by % Math.max(1, rows.length)
    rows.drop(at) ++ rows.take(at)
  }

  /** What scores are taken around. */
  def shift(spread: Spread, cosine: Boolean): Array[Double] =
    if (cosine) new Array[Double](spread.features) else spread.mean

  def normed(values: Array[Double], p: KMeansParams): Array[Double] =
    if (!p.cosine) values
    else {
      val n = values.length / p.k
      values
        .grouped(n)
        .flatMap { c =>
          val length = Math.sqrt(c.map(x => x * x).sum)
          c.map(_ / length)
        }
        .toArray
    }

  private def here(rows: Seq[Array[Double]], weights: Array[Double]): Blocks[Examples] = {
    val features = rows.head.length
    val threads = Runtime.getRuntime.availableProcessors
    val each = Math.max(64, (rows.length + 2 * threads - 1) / (2 * threads))
    val blocks = rows.indices.grouped(each).map { of =>
      Points.dense(
        of.flatMap(rows(_)).toArray,
        features,
        of.map(weights(_)).toArray
      )
    }
    new HereBlocks[Examples](blocks.toSeq, threads)
  }
}
