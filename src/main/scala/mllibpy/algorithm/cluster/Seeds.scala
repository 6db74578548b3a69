package mllibpy.algorithm.cluster

import mllibpy.algorithm.linear.LinearData
import mllibpy.engine.{Blocks, HereBlocks, Monitor}
import mllibpy.kernel.Scramble
import mllibpy.kernel.cluster.{Beside, Centres, DrawPlan, DrawPlans, DrawSum, Points, Spread}
import mllibpy.kernel.linear.Examples

import scala.util.Random

/** Where starts begin. */
private[cluster] final class Seeds(data: LinearData, p: KMeansParams, monitor: Monitor) {
  private val spread = data.spread
  private val shift = Seeds.shift(spread, p.cosine)
  private lazy val numbers = RowNumbers.of(data)
  // Of what rounds of drawing leave beside the blocks.
  val fit: Long = Random.nextLong()
  private var round = 0
  var passes = 0

  def starts: Seq[Centres] =
    if (p.starts.nonEmpty)
      p.starts.map(v => new Centres(p.k, data.features, Seeds.normed(v, p), shift, p.cosine))
    else {
      monitor.enter("seeds")
      val seeds = (0 until p.nInit).map(i => Scramble.mix(p.seed * 31 + i))
      try drawn(seeds.zipWithIndex.map { case (seed, i) => new Drawing(seed, i) })
      finally Beside.forget(fit)
    }

  /** The best of several starts, found among so many rows. */
  def among(rows: Int): Centres =
    if (p.starts.nonEmpty) starts.head
    else {
      val seed = Scramble.mix(p.seed)
      val found =
        try draw(Seq(new Drawing(seed, 0)), Math.max(p.k, rows)).head.drawn.ascending
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

  /** A start that is being drawn: its candidates, which rows have been held against but for the
    * fresh ones.
    */
  private final class Drawing(val seed: Long, start: Int) {
    var known = Vector.empty[Array[Double]]
    var fresh: Seq[Array[Double]] = Nil
    var weights: Array[Double] = Array.empty

    def plan(most: Int): DrawPlan = {
      def some(of: Seq[Array[Double]]) =
        if (of.isEmpty) None else Some(Centres(of, shift, p.cosine))
      val number = Scramble.mix(seed + round)
      new DrawPlan(
        start,
        some(known),
        some(fresh),
        most,
        number,
        data.features,
        p.cosine,
        shift
      )
    }
  }

  private def drawn(all: Seq[Drawing]): Seq[Centres] = p.init match {
    case "random" =>
      draw(all, p.k).map(found => Centres(filled(found.drawn.ascending), shift, p.cosine))
    // Each of k-means++'s steps needs passes of its own: in Spark these would be jobs.
    case "k-means++" if data.blocks.context.isEmpty =>
      all.map { d =>
        val greedy = new Greedy(data.blocks, p.k, d.seed, shift, p.cosine, monitor)
        val found = greedy.centres
        passes += greedy.passes
        Centres(filled(found), shift, p.cosine)
      }
    case _ => parallel(all)
  }

  /** A round of all of these, in one pass. */
  private def draw(all: Seq[Drawing], most: Int): Seq[DrawSum] = {
    passes += 1
    val plans = new DrawPlans(fit, round, all.map(_.plan(most)).toArray)
    val found = Passes.draw(data.blocks, plans, numbers).sums
    round += 1
    for ((d, sum) <- all.zip(found)) {
      d.known ++= d.fresh
      d.fresh = sum.drawn.ascending
      d.weights = sum.weights
    }
    found.toSeq
  }

  /** k-means||: rounds of many rows each, then k-means on these by their weights. A start that is
    * at no distance from any row draws no more.
    */
  private def parallel(all: Seq[Drawing]): Seq[Centres] = {
    val each = Math.max(1, Math.ceil(p.oversampling * p.k).toInt)
    draw(all, 1)
    for (round <- 1 to p.rounds + 1) {
      val open = all.filter(_.fresh.nonEmpty)
      if (open.nonEmpty) draw(open, if (round <= p.rounds) each else 0)
    }
    all.map(d => reclustered(d.known, d.weights, d.seed))
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
