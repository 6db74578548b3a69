package mllibpy.algorithm.cluster

import mllibpy.algorithm.als.SparkWork
import mllibpy.algorithm.linear.LinearData
import mllibpy.engine.{HereBlocks, LocalSession, Monitor, Shared, SparkBlocks}
import mllibpy.kernel.cluster.{AssignPlan, AssignSum, Beside, Centres, Points, Spread, StartPlan}
import mllibpy.kernel.linear.{Examples, Form}
import org.scalatest.funsuite.AnyFunSuite

import scala.util.Random

/** What fits cost in Spark: a pass is a job, for all starts; and partitions do not change what is
  * found.
  */
class KMeansWorkSuite extends AnyFunSuite with LocalSession {
  private val features = 4
  private val random = new Random(5)
  private val middles = Array.fill(6, features)(8 * random.nextGaussian())
  private val rows = Array.fill(600)(middles(random.nextInt(6)).map(_ + random.nextGaussian()))
  private def blocks(size: Int): Seq[Examples] =
    rows.grouped(size).map(of => Points.dense(of.flatten, features, null)).toSeq

  private def there(partitions: Int, size: Int = 5) = {
    // A cached RDD, as that of a DataFrame: states find their blocks again.
    val rdd = sc.parallelize(blocks(size), partitions).cache()
    new LinearData(new SparkBlocks(rdd, () => ()), features, 0, Form.Doubles)
  }
  private def here = new LinearData(new HereBlocks(blocks(5), 2), features, 0, Form.Doubles)

  // Each block a partition, so that rows have numbers.
  private def numbered(there: Boolean) = {
    val of = blocks(40)
    val held =
      if (there) new SparkBlocks(sc.parallelize(of, of.length).cache(), () => ())
      else new HereBlocks(of, 2)
    new LinearData(held, features, 0, Form.Doubles, numbered = true)
  }

  private def params(init: String, nInit: Int = 1, bounds: String = "auto") =
    KMeansParams(6, Nil, init, nInit, 2, 2, 50, 0, false, "reseed", bounds, 3, labels = true)

  private def fit(data: LinearData, p: KMeansParams) = KMeans(data, p, new Monitor)

  for (
    (name, p) <- Seq(
      "k-means||" -> params("k-means||"),
      "random, four starts" -> params("random", 4),
      "bounds from the first pass on" -> params("k-means||", bounds = "always"),
      "no bounds" -> params("random", bounds = "never")
    )
  )
    test(s"$name: a job for each pass and one for the spread; partitions do not matter") {
      // Nor the driver's own blocks, where rows are drawn by their content there too.
      val local = fit(here, p)
      for (partitions <- Seq(1, 7, 64)) {
        var found = local
        val data = there(partitions)
        val held = Shared.held
        val work = SparkWork.of(sc) { found = fit(data, p) }
        assert(work == SparkWork(found.passes + 1, 0))
        assert(found.labels.flatten == local.labels.flatten)
        assert(found.iterations == local.iterations && found.reason == local.reason)
        assert(Math.abs(found.inertia - local.inertia) <= 1e-10 * local.inertia)
        for ((u, v) <- found.centres.zip(local.centres)) assert(Math.abs(u - v) < 1e-9)
        assert(Shared.held == held && Beside.held == 0)
        data.release()
      }
      assert(SparkWork.of(sc)(fit(here, p)) == SparkWork(0, 0))
    }

  test("starts share their passes") {
    val data = there(4)
    val alone = (0 until 3).map(s => fit(data, params("random").copy(seed = s)).iterations).max
    val many = fit(data, params("random", 12))
    val iterating = many.passes - 1 - 2 // draws of all; inertias; labels
    assert(iterating <= 4 * alone)
    val few = params("k-means||").copy(maxIter = 1)
    val one = fit(data, few).passes
    // Another one for the labels of the best.
    assert(fit(data, few.copy(nInit = 8)).passes == one + 1)
    data.release()
  }

  test("mini-batches: a job for a step, the same rows in each partitioning") {
    val b = MiniBatchParams(60, 180, Some(5), 0.01, whole = false, Array.empty, Array.empty)
    val local = MiniBatch(here, params("k-means++"), b, new Monitor)
    for (partitions <- Seq(2, 16)) {
      val data = there(partitions)
      var found = local
      val work = SparkWork.of(sc) {
        found = MiniBatch(data, params("k-means++"), b, new Monitor)
      }
      assert(work == SparkWork(found.passes + 1, 0))
      assert(found.steps == local.steps)
      for ((u, v) <- found.centres.zip(local.centres)) assert(Math.abs(u - v) < 1e-8)
      data.release()
    }
    assert(Beside.held == 0)
  }

  for (init <- Seq("k-means||", "random"))
    test(s"$init: rows that have numbers are drawn by them, here and there") {
      val p = params(init, 3)
      val (local, data) = (fit(numbered(there = false), p), numbered(there = true))
      val found = fit(data, p)
      assert(found.labels.flatten == local.labels.flatten)
      for ((u, v) <- found.centres.zip(local.centres)) assert(Math.abs(u - v) < 1e-9)
      // By their content others would have been drawn.
      val byContent = Seq(here, numbered(there = false)).map(new Seeds(_, p, new Monitor).starts)
      assert(byContent.map(_.head.values.toSeq).distinct.length == 2)
      data.release()
    }

  test("mini-batches of rows that have numbers are the same here and there") {
    val b = MiniBatchParams(60, 180, Some(5), 0.01, whole = false, Array.empty, Array.empty)
    val data = numbered(there = true)
    val local = MiniBatch(numbered(there = false), params("random"), b, new Monitor)
    val found = MiniBatch(data, params("random"), b, new Monitor)
    assert(found.steps == local.steps && found.steps > 1)
    for ((u, v) <- found.centres.zip(local.centres)) assert(Math.abs(u - v) < 1e-9)
    data.release()
  }

  test("a cluster whose rows have all gone is left where it is, whatever sums of changes leave") {
    val spread = new Spread(1)
    spread.add(Points.dense(Array.tabulate(10)(_ / 10.0), 1, null))
    val start = Centres(Seq(Array(0.5), Array(0.2)), spread.mean, cosine = false)
    val p = params("random").copy(k = 2)
    val r = new Running(start, spread, p, remembers = true, 1)
    def pass(plan: StartPlan, sums: Seq[Double], counts: Seq[Long]) = {
      val found = new AssignSum(new AssignPlan(1, 0, true, Array(plan)))
      found.rows = 10
      for (c <- 0 until 2) {
        found.sums(0)(c) = sums(c)
        found.weights(0)(c) = sums(c)
        found.counts(0)(c) = counts(c)
      }
      r.see(found, 0, plan)
    }
    assert(pass(r.plan(), Seq(3.0, 0.1 + 0.2 + 0.3), Seq(7, 3)).isEmpty)
    r.move(Nil, Nil)
    val plan = r.plan()
    assert(plan.changes && 0.1 + 0.2 + 0.3 - (0.3 + 0.2 + 0.1) != 0)
    val before = r.centres.values(1)
    assert(pass(plan, Seq(0.6, -(0.3 + 0.2 + 0.1)), Seq(3, -3)) == Seq(1))
    r.move(Seq(1), Nil)
    assert(r.centres.values(1) == before + 0)
  }

  test("bounds pay where rows are many beside the centres, whose gaps they need") {
    assert(new BoundsPay("auto", 1000, 64, 1000000, 2).wanted(5, 0.1))
    assert(!new BoundsPay("auto", 1000, 64, 1000000, 2000).wanted(5, 0.1))
    assert(!new BoundsPay("auto", 1000, 64, 1500, 2).wanted(5, 0.1))
  }

  test("a partition that is computed anew has lost its bounds, and nothing else") {
    // Not cached: each pass sees blocks that it has never seen.
    val rdd = sc.parallelize(rows.toSeq, 8).mapPartitions { it =>
      Iterator.single[Examples](Points.dense(it.toArray.flatten, 4, null))
    }
    val fresh = new LinearData(new SparkBlocks(rdd, () => ()), features, 0, Form.Doubles)
    val p = params("k-means||", bounds = "always")
    val (lost, kept) = (fit(fresh, p), fit(here, p))
    assert(lost.labels.flatten == kept.labels.flatten)
    assert(lost.scored.forall(_ == 1) && kept.scored.exists(_ < 1))
  }
}
