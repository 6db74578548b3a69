package mllibpy.algorithm.als

import mllibpy.engine.{InvalidInput, LocalSession, Monitor, Shared}
import org.apache.spark.SparkEnv
import org.apache.spark.storage.BlockId
import org.scalatest.concurrent.Eventually
import org.scalatest.funsuite.AnyFunSuite
import org.scalatest.time.{Millis, Seconds, Span}

/** The work that a fit costs Spark, and what stays of it. */
final class FitWorkSuite extends AnyFunSuite with LocalSession with Eventually {
  implicit override val patienceConfig: PatienceConfig =
    PatienceConfig(Span(20, Seconds), Span(100, Millis))

  private def fit(ratings: Ratings, strategy: String, iterations: Int, blocks: Int = 3): AlsModel =
    Als.fit(
      ratings,
      AlsParams()
        .set("rank", 3)
        .set("strategy", strategy)
        .set("max_iter", iterations)
        .set("num_blocks", blocks)
    )

  // Check, layout of two sides, initial items, seen items; and two half-steps to an iteration.
  private def common(iterations: Int): Int = 1 + 2 + 1 + 1 + 2 * iterations

  /** What is pinned: strategy, iterations, jobs, shuffles. */
  private val pinned = Seq(
    ("data-parallel", 1, common(1), 2),
    ("data-parallel", 4, common(4), 2),
    // Two more to fetch the ratings.
    ("broadcast", 4, common(4) + 2, 2),
    // Two more to fetch the factors; a shuffle for each side's routes and for each half-step.
    ("blocked", 1, common(1) + 2, 2 + 2 + 2),
    ("blocked", 4, common(4) + 2, 2 + 2 + 2 * 4),
    // Two more to cut the lineage, after iteration 10.
    ("blocked", 12, common(12) + 2 + 2, 2 + 2 + 2 * 12),
    // The second side's layout is one of its keys alone. One more to fetch the large side's factors; a
    // shuffle for the small side's half-step.
    ("hybrid", 1, common(1) + 1, 2 + 1),
    ("hybrid", 12, common(12) + 1, 2 + 12)
  )

  for ((strategy, iterations, jobs, shuffles) <- pinned)
    test(s"$strategy, $iterations iterations: $jobs jobs, $shuffles shuffles") {
      val work = SparkWork.of(sc)(fit(Samples.ratings(sc), strategy, iterations))
      assert(work == SparkWork(jobs, shuffles))
    }

  private val some = Samples.params("rank" -> 3, "max_iter" -> 2, "num_blocks" -> 3)

  private def extra(solver: String, implicitly: Boolean)(extras: AlsModel => Extras) = {
    val params = some
      .set("strategy", "data-parallel")
      .set("solver", solver)
      .set("implicit", implicitly)
    val ratings = Samples.ratings(sc)
    val first = Als.fit(ratings, params)
    SparkWork.of(sc)(Als.fit(ratings, params, new Monitor, extras(first)))
  }

  // The ratings are checked already.
  private val usual = SparkWork(common(2) - 1, 2)

  test("a start costs a job where the solver takes the users' factors too, and else none") {
    assert(extra("cholesky", implicitly = false)(m => Extras(init = Some(m))) == usual)
    assert(
      extra("cg", implicitly = false)(m => Extras(init = Some(m))) ==
        usual.copy(jobs = usual.jobs + 1)
    )
  }

  test("validation costs a check, two shuffles, and for errors a job an iteration") {
    val held = (_: AlsModel) => Extras(validation = Some(Samples.ratings(sc)))
    // The check; where pairs may not repeat, the search for those; and 2 iterations, or the lists.
    assert(
      extra("auto", implicitly = false)(held) == SparkWork(
        usual.jobs + 1 + 1 + 2,
        usual.shuffles + 2
      )
    )
    // What users rated in training is gathered for the lists too.
    assert(
      extra("auto", implicitly = true)(held) == SparkWork(
        usual.jobs + 1 + 1 + 1 + 1,
        usual.shuffles + 2
      )
    )
  }

  test("a partial fit costs a fit, a check and a search for repeats, and a job for the mean") {
    val ratings = Samples.ratings(sc)
    val params = some.set("strategy", "data-parallel")
    val model = Als.fit(ratings, params)
    val work = SparkWork.of(sc)(PartialFit(model, ratings, params, new Monitor))
    assert(work == SparkWork(common(1) + 1 + 1, 2 + 1))
  }

  for (strategy <- Seq("broadcast", "data-parallel", "blocked", "hybrid"))
    test(s"$strategy: after a fit with all that there may be nothing stays, nor where it fails") {
      val (ratings, held) = (Samples.ratings(sc), Samples.ratings(sc))
      // With solvers that take the factors of the iteration before.
      val params = (if (strategy == "hybrid") some.set("nonnegative", true)
                    else some.set("solver", "cg"))
        .set("strategy", strategy)
        .set("max_iter", 12)
      val model = Als.fit(ratings, params)
      val p = params.set("implicit", strategy == "data-parallel")
      val fail = (r: IterationReport) =>
        if (r.iteration == 11) throw new IllegalStateException("no") else false
      leavesNothing {
        Als.fit(ratings, p, new Monitor, Extras(Some(model), Some(held), Some(_ => false)))
        intercept[IllegalStateException](
          Als.fit(ratings, p, new Monitor, Extras(Some(model), Some(held), Some(fail)))
        )
        PartialFit(model, ratings, params, new Monitor)
      }
    }

  test("the number of blocks changes neither jobs nor shuffles") {
    for (strategy <- Seq("broadcast", "data-parallel", "blocked", "hybrid")) {
      val few = SparkWork.of(sc)(fit(Samples.ratings(sc), strategy, 2, blocks = 1))
      val many = SparkWork.of(sc)(fit(Samples.ratings(sc), strategy, 2, blocks = 8))
      assert(few == many, strategy)
    }
  }

  test("checked ratings are not checked again") {
    val ratings = Samples.ratings(sc)
    fit(ratings, "data-parallel", 1)
    val work = SparkWork.of(sc)(fit(ratings, "data-parallel", 1))
    assert(work == SparkWork(common(1) - 1, 2))
  }

  for (strategy <- Seq("broadcast", "data-parallel", "blocked", "hybrid")) {
    test(s"$strategy: after a fit nothing stays persisted, shared or on disk") {
      leavesNothing(fit(Samples.ratings(sc), strategy, 12))
    }

    test(s"$strategy: nor after a fit that fails half-way") {
      val monitor = new Monitor
      val params =
        AlsParams()
          .set("rank", 3)
          .set("strategy", strategy)
          .set("num_blocks", 3)
          .set("max_iter", 999)
      val stop = () => if (monitor.history.size >= 25) monitor.stop()
      leavesNothing(SparkWork.of(sc, stop) {
        intercept[InvalidInput](Als.fit(Samples.ratings(sc), params, monitor))
      })
      assert(monitor.history.size < 999)
    }
  }

  test("a fit leaves the shuffles of the caller alone") {
    val sums = sc.range(0, 100).map(i => (i % 7, 1)).reduceByKey(_ + _)
    val ratings = Ratings.of(sums.map { case (id, sum) => (id, id, sum.toFloat) })
    Als.fit(ratings, AlsParams().set("rank", 2).set("max_iter", 1))
    // Spark finds what it shuffled before, and skips that stage.
    assert(SparkWork.of(sc)(sums.count()) == SparkWork(jobs = 1, shuffles = 0))
  }

  /** Without a collection of garbage, after which Spark itself lets go of what nobody refers to. */
  private def leavesNothing(body: => Any): Unit = {
    val (before, shared) = (held(), Shared.held)
    body
    assert(sc.getPersistentRDDs.isEmpty)
    assert(Shared.held == shared)
    eventually(assert(held().diff(before).filterNot(_.isBroadcast).isEmpty))
    // Spark's own broadcasts, of what its tasks run, go when their stages are forgotten.
    eventually {
      System.gc()
      assert(held().diff(before).isEmpty)
    }
  }

  /** The blocks of data, broadcasts and shuffles that this process holds, in memory or on disk. */
  private def held(): Set[BlockId] =
    SparkEnv.get.blockManager.getMatchingBlockIds(_ => true).toSet
}
