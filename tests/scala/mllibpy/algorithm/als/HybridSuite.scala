package mllibpy.algorithm.als

import mllibpy.engine.{LocalSession, Monitor, PartialRows}
import mllibpy.kernel.RowSums
import org.apache.spark.SparkEnv
import org.scalatest.funsuite.AnyFunSuite

import scala.util.Random

/** The hybrid: the factors of the other strategies to rounding, since it adds up in another order.
  */
class HybridSuite extends AnyFunSuite with LocalSession {
  // From -1 to 3, with more users than items; and the same with more items.
  private val someUsers = Samples.triples.map { case (u, i, r) => (u, i, r - 2) }
  private val someItems = someUsers.map { case (u, i, r) => (i, u, r) }
  private val sides = Seq("users" -> someUsers, "items" -> someItems)

  private val modes = Seq[(String, Seq[(String, Any)])](
    "explicit" -> Nil,
    "biases" -> Seq("biases" -> true),
    "nonnegative" -> Seq("nonnegative" -> true),
    "implicit" -> Seq("implicit" -> true, "alpha" -> 1.5),
    "implicit, nonnegative, biases" -> Seq(
      "implicit" -> true,
      "nonnegative" -> true,
      "biases" -> true
    ),
    "implicit, unobserved" -> Seq(
      "implicit" -> true,
      "unobserved_weight" -> 0.1,
      "reg_exponent" -> 0.5,
      "reg_unobserved" -> 0.1
    )
  )

  private def params(strategy: String, blocks: Int, more: Seq[(String, Any)]): AlsParams =
    Samples.params(
      Seq(
        "rank" -> 5,
        "max_iter" -> 3,
        "reg" -> 0.05,
        "random_state" -> 11L,
        "strategy" -> strategy,
        "num_blocks" -> blocks
      ) ++ more: _*
    )

  private def weighted(some: Seq[Samples.Triple], partitions: Int): Ratings =
    Ratings.weighted(
      sc.parallelize(some, partitions).map { case (u, i, r) => (u, i, r, ((u ^ i) & 3) * 0.5f) }
    )

  private def close(a: AlsModel, b: AlsModel): Unit = {
    for (side <- Seq[AlsModel => FactorTable](_.users, _.items)) {
      assert(side(a).keys.toSeq == side(b).keys.toSeq)
      assert(distance(side(a).rows, side(b).rows) < 1e-4)
    }
    assert(a.seen.start.toSeq == b.seen.start.toSeq && a.seen.items.toSeq == b.seen.items.toSeq)
    assert(a.facts.history.map(_.stage) == b.facts.history.map(_.stage))
    for ((x, y) <- a.facts.history.zip(b.facts.history))
      assert(Math.abs(x.objective - y.objective) <= 1e-5 * Math.abs(x.objective))
  }

  private def distance(a: Array[Float], b: Array[Float]): Double = {
    val size = Math.sqrt(a.map(x => x.toDouble * x).sum)
    Math.sqrt(a.zip(b).map { case (x, y) => Math.pow(x.toDouble - y, 2) }.sum) / size
  }

  private def same(a: AlsModel, b: AlsModel): Unit = {
    assert(a.users.rows.toSeq == b.users.rows.toSeq)
    assert(a.items.rows.toSeq == b.items.rows.toSeq)
  }

  for ((large, some) <- sides; (mode, more) <- modes)
    test(s"more $large, $mode: the factors of data-parallel, for any number of blocks") {
      val right = Als.fit(Samples.ratings(sc, some), params("data-parallel", 2, more))
      val shuffled = new Random(2).shuffle(some)
      for (blocks <- Seq(1, 2, 5, 20)) {
        val set = params("hybrid", blocks, more)
        val found = Als.fit(Samples.ratings(sc, some), set)
        assert(found.facts.strategy == "hybrid" && found.facts.blocks == blocks)
        withClue(s"$blocks blocks: ")(close(right, found))
        if (blocks == 5) same(found, Als.fit(Samples.ratings(sc, shuffled, 4), set))
      }
    }

  for ((large, some) <- sides; mode <- Seq("explicit", "implicit", "biases"))
    test(s"more $large, $mode, with weights and from a model") {
      val more = modes.toMap.apply(mode)
      val right = Als.fit(weighted(some, 2), params("data-parallel", 3, more))
      val found = Als.fit(weighted(some, 3), params("hybrid", 3, more))
      close(right, found)
      val going = Extras(init = Some(right))
      for (nonnegative <- Seq(false, true) if !nonnegative || mode == "implicit") {
        val also = more :+ ("nonnegative" -> nonnegative)
        val from = if (nonnegative) Extras(init = Some(positive(some, more))) else going
        def go(strategy: String) =
          Als.fit(weighted(some, 2), params(strategy, 3, also), new Monitor, from)
        close(go("data-parallel"), go("hybrid"))
      }
    }

  private def positive(some: Seq[Samples.Triple], more: Seq[(String, Any)]): AlsModel =
    Als.fit(weighted(some, 2), params("broadcast", 1, more :+ ("nonnegative" -> true)))

  test("values of the ratings are kept whichever side is the large one") {
    for ((_, some) <- sides) {
      val right = Als.fit(Samples.ratings(sc, some), params("data-parallel", 2, Nil))
      val found = Als.fit(Samples.ratings(sc, some), params("hybrid", 3, Nil))
      assert(
        (0 until right.users.size).forall(u =>
          right.seen.valuesOf(u).toSeq == found.seen.valuesOf(u).toSeq
        )
      )
    }
  }

  test("a partial fit goes on as with the other strategies") {
    for ((_, some) <- sides) {
      val (first, more) = some.splitAt(some.length - 50)
      def go(strategy: String) = {
        val set = params(strategy, 3, Nil)
        val model = Als.fit(Samples.ratings(sc, first), params("data-parallel", 3, Nil))
        PartialFit(model, Samples.ratings(sc, more), set, new Monitor)
      }
      val (right, found) = (go("data-parallel"), go("hybrid"))
      assert(distance(right.items.rows, found.items.rows) < 1e-4)
      assert(Math.abs(right.facts.meanRating - found.facts.meanRating) < 1e-12)
    }
  }

  for ((large, some) <- sides; nonnegative <- Seq(false, true))
    test(s"more $large, nonnegative $nonnegative: what is lost is computed again, bit for bit") {
      val set = params("hybrid", 3, Seq("nonnegative" -> nonnegative, "implicit" -> true))
        .set("max_iter", 2 * Blocked.CutEvery + 4)
      val lost = (r: IterationReport) => {
        if (Set(2, Blocked.CutEvery + 3, 2 * Blocked.CutEvery)(r.iteration)) lose()
        false
      }
      val watched = Extras(watch = Some(lost))
      same(
        Als.fit(Samples.ratings(sc, some), set),
        Als.fit(Samples.ratings(sc, some), set, new Monitor, watched)
      )
    }

  /** As where an executor dies: what was persisted is gone. */
  private def lose(): Unit = {
    val master = SparkEnv.get.blockManager.master
    val before = sc.getPersistentRDDs.keys
    assert(before.nonEmpty)
    before.foreach(master.removeRdd(_, blocking = true))
  }

  test("validation and stopping early are those of the other strategies") {
    for ((_, some) <- sides; implicitly <- Seq(false, true)) {
      def go(strategy: String) = Als.fit(
        Samples.ratings(sc, some.drop(60)),
        params(strategy, 3, Seq("implicit" -> implicitly, "max_iter" -> 6, "patience" -> 2)),
        new Monitor,
        Extras(validation = Some(Samples.ratings(sc, some.take(60))))
      )
      val (right, found) = (go("data-parallel"), go("hybrid"))
      assert(right.facts.bestIteration == found.facts.bestIteration)
      close(right, found)
    }
  }

  test("a system that is singular is solved, and counted") {
    val few = Seq((1L, 1L, 5f), (1L, 2L, 5f), (2L, 1L, 4f), (2L, 2L, 4f), (3L, 1L, 1f))
    val set = params("hybrid", 2, Seq("reg" -> 0.0, "max_iter" -> 4))
    val model = Als.fit(Samples.ratings(sc, few), set)
    assert(model.facts.singular > 0)
    assert((model.users.rows ++ model.items.rows).forall(java.lang.Float.isFinite(_)))
  }

  test("parts of a run are added up as they come, and runs without parts do not come") {
    def part(run: Int, from: Int, places: Array[Int], numbers: Float*) = {
      val counts = places.map(_ => 1)
      val sums = new RowSums(1, numbers.toArray, places.map(_ * 0.5), counts)
      (Address(0, run, from), new PartialRows(places, sums))
    }
    val found = Hybrid
      .added(
        Iterator(
          part(0, 0, Array(0, 2), 1f, 2f, 3f, 4f),
          part(0, 1, Array(2), 10f, 20f),
          part(2, 0, Array(0), 5f, 6f)
        ),
        rows = 7,
        rank = 1,
        runLength = 3
      )
      .toSeq
    assert(found.map(_._1) == Seq(0, 6))
    assert(found.head._2.numbers.toSeq == Seq(1f, 2f, 0f, 0f, 13f, 24f))
    assert(found.head._2.counts.toSeq == Seq(1, 0, 2))
    assert(found.head._2.constants.toSeq == Seq(0.0, 0.0, 2.0))
    assert(found(1)._2.numbers.toSeq == Seq(5f, 6f)) // the last run is shorter
  }
}
