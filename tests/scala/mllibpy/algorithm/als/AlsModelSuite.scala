package mllibpy.algorithm.als

import mllibpy.engine.{InvalidInput, LocalSession}
import org.scalatest.funsuite.AnyFunSuite

/** On models made by hand. */
class AlsModelSuite extends AnyFunSuite with LocalSession {
  // Scores: user 1: 1, 2, 3; user 2: 10, 20, 30; user 3: -1, -2, -3, of the items 11, 12, 13.
  private def model(set: (String, Any)*) = Samples.model(
    Samples.table(Seq(1, 2, 3), 2, 1, 0, 10, 0, -1, 0),
    Samples.table(Seq(11, 12, 13), 2, 1, 5, 2, 5, 3, 5),
    Samples.seen(Seq(Seq(2), Seq(), Seq(0, 1, 2))),
    set: _*
  )

  private def pairs(r: Recommendations) =
    r.start.toSeq.zip(r.start.drop(1)).map { case (a, b) =>
      r.items.slice(a, b).toSeq.zip(r.scores.slice(a, b))
    }

  test("predict is the product of two rows; an unknown one is answered by cold_start") {
    assert(model().predict(1, 2) == 30f)
    assert(model().predict(2, 0) == -1f)
    for ((u, i) <- Seq((-1, 0), (0, -1), (-1, -1))) {
      assert(model().predict(u, i).isNaN)
      assert(model("cold_start" -> "drop").predict(u, i).isNaN)
      for (mean <- Seq("mean", "popular"))
        assert(model("cold_start" -> mean).predict(u, i) == 3.5f)
    }
  }

  test("score is the root mean square error over what the model knows") {
    val ratings =
      Samples.ratings(sc, Seq((1L, 11L, 2f), (2L, 13L, 27f), (9L, 11L, 5f), (1L, 99L, 5f)))
    val nan = model().score(ratings)
    assert(nan == Score(1.0 + 9.0, 2, 2) && Math.abs(nan.rmse - Math.sqrt(5)) < 1e-12)
    val mean = model("cold_start" -> "mean").score(ratings)
    assert(mean == Score(10 + 2 * 2.25, 4, 0))
    val e = intercept[InvalidInput](model("cold_start" -> "error").score(ratings))
    assert(e.getMessage == "2 ratings are of a user or an item that was not in the training data")
    assert(model("cold_start" -> "error").score(Samples.ratings(sc, Seq((1L, 11L, 2f)))).rmse == 1)
  }

  test("score of strangers alone is an error, not a NaN") {
    val strangers = Samples.ratings(sc, Seq((8L, 11L, 2f)))
    assert(
      intercept[InvalidInput](model().score(strangers)).getMessage
        .contains("no rating is of a user and an item")
    )
  }

  test("recommend: the best first, without what was seen, for any users in any order") {
    val m = model()
    assert(
      pairs(m.recommend(sc, Array(0, 1, 0), 2, excludeSeen = true)) ==
        Seq(Seq(1 -> 2f, 0 -> 1f), Seq(2 -> 30f, 1 -> 20f), Seq(1 -> 2f, 0 -> 1f))
    )
    assert(pairs(m.recommend(sc, Array(0), 2, excludeSeen = false)) == Seq(Seq(2 -> 3f, 1 -> 2f)))
  }

  test("recommend: more than an answer holds is refused before the work") {
    val e = intercept[InvalidInput](
      model().recommend(sc, new Array[Int](1 << 12), 1 << 20, false, Some(new Array[Int](1 << 20)))
    )
    assert(
      e.getMessage.endsWith(
        "are too many for one answer; ask for fewer at a time, or for a Spark DataFrame"
      )
    )
  }

  test("recommend users, similar rows, and candidates") {
    val m = model()
    assert(
      pairs(m.recommendUsers(sc, Array(0, 2), 2, excludeSeen = false)).map(_.map(_._1)) == Seq(
        Seq(1, 0),
        Seq(1, 0)
      )
    )
    assert(pairs(m.recommendUsers(sc, Array(2), 3, excludeSeen = true)) == Seq(Seq(1 -> 30f)))
    assert(
      pairs(m.recommend(sc, Array(1), 3, excludeSeen = true, Some(Array(0, 2)))) == Seq(
        Seq(2 -> 30f, 0 -> 10f)
      )
    )
    assert(
      pairs(m.recommend(sc, Array(2, 0), 3, excludeSeen = true, Some(Array(1, 2)))) == Seq(
        Seq(),
        Seq(1 -> 2f)
      )
    )
    assert(pairs(m.recommend(sc, Array(1), 3, excludeSeen = true, Some(Array()))) == Seq(Seq()))
    assert(pairs(m.similar(sc, Side.User, Array(0), 2)) == Seq(Seq(1 -> 1f, 2 -> -1f)))
    assert(pairs(m.similar(sc, Side.Item, Array(0), 5)).head.map(_._1) == Seq(1, 2))
  }

  test("recommend: fewer than k are left, or none") {
    val m = model()
    assert(pairs(m.recommend(sc, Array(2, 0), 10, excludeSeen = true)).map(_.length) == Seq(0, 2))
    assert(
      pairs(m.recommend(sc, Array(2), 10, excludeSeen = false)) == Seq(
        Seq(0 -> -1f, 1 -> -2f, 2 -> -3f)
      )
    )
    assert(m.recommend(sc, Array(), 3, excludeSeen = true).start.toSeq == Seq(0))
  }

  test("recommend: lists of each asker, and what is popular for strangers") {
    val m = model("cold_start" -> "popular")
    // Places 0 and 2 have lists; 1 and 3 have none.
    val lists = new RowLists(Array(0, -1, 1, -1), Array(Array(0, 2), Array(1)))
    def ask(rows: Seq[Int], allow: RowLists, deny: RowLists, k: Int) =
      pairs(Recommender.ask(sc, m.itemsFor(new Askers(rows.toArray, allow, deny), k, false)))
    val known = Seq(0, 1, 1, 0)
    assert(
      ask(known, lists, RowLists.none, 2) ==
        Seq(Seq(2 -> 3f, 0 -> 1f), Seq(2 -> 30f, 1 -> 20f), Seq(1 -> 20f), Seq(2 -> 3f, 1 -> 2f))
    )
    assert(
      ask(known, RowLists.none, lists, 2) ==
        Seq(Seq(1 -> 2f), Seq(2 -> 30f, 1 -> 20f), Seq(2 -> 30f, 0 -> 10f), Seq(2 -> 3f, 1 -> 2f))
    )
    assert(
      ask(known, lists, lists, 2) == Seq(
        Seq(),
        Seq(2 -> 30f, 1 -> 20f),
        Seq(),
        Seq(2 -> 3f, 1 -> 2f)
      )
    )
    // Item 2 has two raters, 0 and 1 have one.
    def rows(a: Seq[Seq[(Int, Float)]]) = a.map(_.map(_._1))
    val strangers = Seq(-1, -1, -1, 0)
    assert(
      rows(ask(strangers, lists, RowLists.none, 3)) ==
        Seq(Seq(2, 0), Seq(2, 0, 1), Seq(1), Seq(2, 1, 0))
    )
    assert(
      rows(ask(strangers, RowLists.none, lists, 1)) == Seq(Seq(1), Seq(2), Seq(2), Seq(2))
    )
    assert(ask(strangers, RowLists.none, lists, 1).head.head._2.isNaN)
    assert(rows(pairs(model().recommend(sc, Array(-1, 0), 1, false))) == Seq(Seq(), Seq(2)))
  }

  test("recommend on the cluster gives what the driver gives") {
    // Above what the driver does by itself: 6,000 users by 4,000 items.
    val random = new scala.util.Random(1)
    val (users, items) = (6000, 4000)
    def factors(n: Int) = Seq.fill(2 * n)(random.nextInt(5).toFloat) // many ties
    val m = Samples.model(
      Samples.table(0L until users.toLong, 2, factors(users): _*),
      Samples.table(0L until items.toLong, 2, factors(items): _*),
      Samples.seen(Seq.fill(users)(Seq.fill(20)(random.nextInt(items)).distinct.sorted))
    )
    val asked = random.shuffle((0 until users).toVector).toArray
    var jobs = 0
    val listener = new org.apache.spark.scheduler.SparkListener {
      override def onJobStart(j: org.apache.spark.scheduler.SparkListenerJobStart): Unit = jobs += 1
    }
    sc.addSparkListener(listener)
    val together = m.recommend(sc, asked, 7, excludeSeen = true)
    val parts = asked.grouped(2000).toSeq.map(m.recommend(sc, _, 7, excludeSeen = true))
    for (_ <- 0 until 200 if jobs == 0) Thread.sleep(5)
    sc.removeSparkListener(listener)
    assert(jobs == 1)
    assert(pairs(together) == parts.flatMap(pairs))
  }
}
