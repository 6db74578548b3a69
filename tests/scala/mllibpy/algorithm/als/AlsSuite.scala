package mllibpy.algorithm.als

import mllibpy.engine.{IntegerIds, InvalidInput, LocalSession, TextIds, Triples, TriplesBuilder}
import mllibpy.kernel.Scramble
import org.scalatest.funsuite.AnyFunSuite

/** What a fit does beside the law: which model comes out, and what is refused. */
class AlsSuite extends AnyFunSuite with LocalSession {
  private def fit(some: Seq[Samples.Triple], set: (String, Any)*): AlsModel =
    Als.fit(Samples.ratings(sc, some), Samples.params(set: _*))

  private def refused(some: Seq[Samples.Triple], set: (String, Any)*): String =
    intercept[InvalidInput](fit(some, set: _*)).getMessage

  test("a matrix of low rank is found again") {
    val full = for (u <- 1L to 12L; i <- 1L to 9L) yield (u, i, (u * 0.5 + i * u % 4).toFloat)
    val exact =
      for (u <- 1L to 12L; i <- 1L to 9L) yield (u, i, (0.3 * u * i + (13 - u) * (i % 3)).toFloat)
    assert(
      fit(exact, "rank" -> 2, "reg" -> 1e-6, "max_iter" -> 15)
        .score(Samples.ratings(sc, exact))
        .rmse < 0.01
    )
    assert(
      fit(full, "rank" -> 1, "reg" -> 1e-6, "max_iter" -> 5)
        .score(Samples.ratings(sc, full))
        .rmse > 0.1
    )
  }

  test("ids are in order, whatever their keys, and each knows what it rated") {
    val model = fit(Samples.triples, "rank" -> 2, "max_iter" -> 1)
    val users = Samples.triples.map(_._1).distinct.sorted
    val items = Samples.triples.map(_._2).distinct.sorted
    assert(model.users.integerIds.toSeq == users && model.items.integerIds.toSeq == items)
    for ((u, row) <- users.zipWithIndex) {
      val right = Samples.triples.filter(_._1 == u).map(t => items.indexOf(t._2)).sorted
      assert(
        model.seen.items.slice(model.seen.start(row), model.seen.start(row + 1)).toSeq == right
      )
    }
  }

  test("facts: strategy, reason, counts, mean, history, seconds") {
    val f = fit(
      Samples.triples,
      "rank" -> 2,
      "max_iter" -> 2,
      "num_blocks" -> 3,
      "strategy" -> "blocked"
    ).facts
    assert(f.strategy == "blocked" && f.blocks == 3 && f.iterations == 2)
    assert(f.stopReason == "max_iter=2 iterations done" && f.ratings == Samples.triples.length)
    assert(
      Math.abs(
        f.meanRating - Samples.triples.map(_._3.toDouble).sum / Samples.triples.length
      ) < 1e-9
    )
    assert(f.history.length == 4 && f.seconds("total") >= f.seconds("layout"))
  }

  test("tol ends a fit, and says so") {
    val f = fit(Samples.triples, "rank" -> 2, "max_iter" -> 50, "tol" -> 0.05).facts
    assert(f.iterations < 20 && f.stopReason == "the objective fell by less than tol=0.05 of it")
  }

  test("auto takes one block for little data, and a strategy that fits") {
    val f = fit(Samples.triples, "rank" -> 2, "max_iter" -> 1).facts
    assert(f.blocks == 1 && Seq("data-parallel", "broadcast", "blocked").contains(f.strategy))
  }

  test("reg 0 gives a finite model, on users with fewer ratings than factors too") {
    for (implicitly <- Seq(false, true)) {
      val m =
        fit(Samples.triples, "rank" -> 30, "reg" -> 0.0, "max_iter" -> 3, "implicit" -> implicitly)
      assert((m.users.rows ++ m.items.rows).forall(java.lang.Float.isFinite))
    }
  }

  test("one rating is enough") {
    val m = fit(Seq((5L, 7L, 4f)), "rank" -> 3, "reg" -> 0.01)
    assert(Math.abs(m.predict(0, 0) - 4) < 0.1)
  }

  test("duplicates are refused with a sample, or folded as asked") {
    val twice = Seq((1L, 2L, 4f), (1L, 2L, 2f), (1L, 3L, 1f), (2L, 2L, 5f))
    assert(
      refused(
        twice
      ) == "the ratings: 1 ratings repeat a (user, item) pair, for example (1, 2) 2 times; " +
        "remove them, or say what they mean with duplicates='sum', 'mean' or 'last'"
    )
    def as(policy: String) = fit(twice, "duplicates" -> policy, "rank" -> 2, "num_blocks" -> 2)
    def folded(value: Float) =
      fit(Seq((1L, 2L, value), (1L, 3L, 1f), (2L, 2L, 5f)), "rank" -> 2, "num_blocks" -> 2)
    for ((policy, value) <- Seq("sum" -> 6f, "mean" -> 3f, "last" -> 2f)) {
      assert(as(policy).users.rows.toSeq == folded(value).users.rows.toSeq, policy)
      assert(as(policy).facts.ratings == 3)
    }
  }

  test("the last of a pair is the latest where there are times") {
    val b = new TriplesBuilder(4, timed = true)
    for ((u, i, r, t) <- Seq((1L, 2L, 4f, 30L), (1L, 2L, 2f, 10L), (2L, 2L, 5f, 20L)))
      b.add(Scramble.mix(u), Scramble.mix(i), r, t)
    val timed =
      new Ratings(sc.parallelize(Seq(b.result()), 1), IntegerIds, IntegerIds, timed = true)
    val m = Als.fit(timed, Samples.params("duplicates" -> "last", "rank" -> 1))
    val right = fit(Seq((1L, 2L, 4f), (2L, 2L, 5f)), "rank" -> 1)
    assert(m.users.rows.toSeq == right.users.rows.toSeq)
  }

  test("no ratings, and ratings that are not numbers, are refused by name") {
    assert(refused(Nil).startsWith("the ratings: there are no ratings"))
    for (bad <- Seq(Float.NaN, Float.PositiveInfinity))
      assert(
        refused((5L, -6L, bad) +: Samples.triples)
          .contains(s"1 ratings are NaN, infinite or beyond float32, for example 5, -6: $bad")
      )
  }

  test("a model that no array can hold is refused before the long work") {
    // 2^31 numbers at rank 4096 are 524,288 users.
    val many = sc.range(0, 530000, 1, 2).map(u => (u, 0L, 1f))
    val e = intercept[InvalidInput](Als.fit(Ratings.of(many), Samples.params("rank" -> 4096)))
    assert(e.getMessage.startsWith("strategy '"))
    assert(
      e.getMessage.endsWith(
        "makes a model of 530000 rows of rank 4096, where one array holds 2^31 numbers; take a smaller rank"
      )
    )
  }

  test("text ids: rows in the order of the names, found by name") {
    val names = Seq("zoë", "Ann", "bob", "ann")
    val b = new TriplesBuilder(8, timed = false)
    for ((n, i) <- names.zipWithIndex; j <- 0 to i)
      b.add(TextIds.key(n), Scramble.mix(j.toLong), 1f + j, 0)
    val ratings = new Ratings(
      sc.parallelize(Seq(b.result())),
      TextIds.of(names.toArray),
      IntegerIds,
      timed = false
    )
    val m = Als.fit(ratings, Samples.params("rank" -> 2, "num_blocks" -> 2))
    assert(m.users.names.toSeq == Seq("Ann", "ann", "bob", "zoë"))
    assert(m.users.names.map(m.users.rowOf(_)).toSeq == Seq(0, 1, 2, 3))
    val ann = m.users.rowOf("ann")
    assert(m.seen.items.slice(m.seen.start(ann), m.seen.start(ann + 1)).toSeq == Seq(0, 1, 2, 3))
    assert(m.users.rowOf("nobody") == -1 && m.users.rowOf(5L) == -1 && m.items.rowOf("5") == -1)
  }

  test("an empty chunk or partition is no matter") {
    val empty = new Triples(Array(), Array(), Array(), null)
    val chunks = Samples.ratings(sc, partitions = 1).chunks.collect().toSeq
    val ratings = new Ratings(
      sc.parallelize(Seq(empty) ++ chunks ++ Seq(empty), 5),
      IntegerIds,
      IntegerIds,
      timed = false
    )
    val m = Als.fit(ratings, Samples.params("rank" -> 2, "max_iter" -> 1))
    assert(
      m.users.rows.toSeq == fit(Samples.triples, "rank" -> 2, "max_iter" -> 1).users.rows.toSeq
    )
  }

  test("ratings that change from one reading to the next are refused") {
    val drawn =
      sc.parallelize(1L to 100L, 2).map(i => (i, i % 7, new java.util.Random().nextFloat()))
    val e = intercept[InvalidInput](Als.fit(Ratings.of(drawn), Samples.params("rank" -> 2)))
    assert(
      e.getMessage ==
        "the ratings: these change from one reading to the next; cache or save them first"
    )
  }
}
