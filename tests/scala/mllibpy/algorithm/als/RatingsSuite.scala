package mllibpy.algorithm.als

import mllibpy.engine.{IntegerIds, InvalidInput, LocalSession, TextIds, TriplesBuilder}
import mllibpy.kernel.Scramble
import org.apache.spark.storage.StorageLevel
import org.scalatest.funsuite.AnyFunSuite

import scala.util.Random

class RatingsSuite extends AnyFunSuite with LocalSession {
  private def all(r: Ratings): Set[(Long, Long, Float)] =
    r.chunks
      .collect()
      .toSeq
      .flatMap { c =>
        (0 until c.size)
          .map(i => (Scramble.unmix(c.rows(i)), Scramble.unmix(c.columns(i)), c.values(i)))
      }
      .toSet

  private def timed(times: Seq[Long], partitions: Int): Ratings = {
    val chunks = times.zipWithIndex.grouped(3).map { part =>
      val b = new TriplesBuilder(4, timed = true)
      for ((t, n) <- part) b.add(Scramble.mix(n.toLong), Scramble.mix(0), 1f, t)
      b.result()
    }
    new Ratings(sc.parallelize(chunks.toSeq, partitions), IntegerIds, IntegerIds, timed = true)
  }

  test("facts, counts and histogram") {
    val r = Samples.ratings(sc)
    val values = Samples.triples.map(_._3.toDouble)
    assert(
      r.facts.count == values.length && Math.abs(r.facts.mean - values.sum / values.length) < 1e-9
    )
    assert(r.userCount == Samples.triples.map(_._1).distinct.length)
    assert(r.itemCount == Samples.triples.map(_._2).distinct.length)
    assert(
      r.histogram == Samples.triples
        .groupBy(_._3)
        .map { case (v, ts) => (v, ts.length.toLong) }
        .toSeq
        .sorted
    )
    val rmse = Math.sqrt(values.map(v => Math.pow(v - 3.1, 2)).sum / values.length)
    assert(Math.abs(r.facts.rmseOfConstant(3.1) - rmse) < 1e-9)
  }

  test("the most rated items, ties by id") {
    val r = Samples.ratings(
      sc,
      Seq((1, 5), (2, 5), (1, -7), (2, -7), (3, 9), (1, 2)).map { case (u, i) =>
        (u.toLong, i.toLong, 1f)
      }
    )
    assert(r.topItems(3).map { case (k, n) =>
      (Scramble.unmix(k), n)
    } == Seq((-7L, 2L), (5L, 2L), (2L, 1L)))
    assert(r.topItems(10).length == 4)
  }

  test("a random split: each rating in one part, the same parts for any order and partitions") {
    val shuffled = new Random(5).shuffle(Samples.triples)
    val parts = Samples.ratings(sc, partitions = 1).split(Seq(0.8, 0.1, 0.1), 3).map(all)
    assert(
      parts.map(_.size).sum == Samples.triples.length && parts.reduce(
        _ ++ _
      ) == Samples.triples.toSet
    )
    assert(parts.head.size > 430 && parts.head.size < 530 && parts.forall(_.nonEmpty))
    assert(Samples.ratings(sc, shuffled, 4).split(Seq(8, 1, 1), 3).map(all) == parts)
    assert(Samples.ratings(sc).split(Seq(8, 1, 1), 4).map(all) != parts)
  }

  test("weights must be above 0") {
    for (bad <- Seq(Seq(), Seq(1.0, 0.0), Seq(-1.0), Seq(Double.NaN), Seq(Double.PositiveInfinity)))
      assert(
        intercept[InvalidInput](Samples.ratings(sc).split(bad, 0)).getMessage.startsWith("weights")
      )
  }

  test("a split by time: the earliest first, in the right numbers, each rating once") {
    val times = new Random(1).shuffle((1L to 100L).toVector)
    for (partitions <- Seq(1, 4)) {
      val parts = timed(times, partitions)
        .splitByTime(Seq(0.8, 0.1, 0.1))
        .map(_.chunks.collect().toSeq.flatMap(_.times))
      assert(parts.map(_.sorted) == Seq(1L to 80L, 81L to 90L, 91L to 100L))
    }
    val same = timed(Seq.fill(60)(7L), 3).splitByTime(Seq(1, 1)).map(all)
    assert(same.map(_.size) == Seq(30, 30) && same.reduce(_ ++ _).size == 60)
    assert(
      intercept[InvalidInput](Samples.ratings(sc).splitByTime(Seq(1, 1))).getMessage
        .contains("no timestamps")
    )
  }

  /** Ratings (user, item, rating, time) in some order and partitions. */
  private def at(some: Seq[(Long, Long, Float, Long)], partitions: Int): Ratings = {
    val chunks = some.grouped(50).map { part =>
      val b = new TriplesBuilder(4, timed = true)
      for ((u, i, r, t) <- part) b.add(Scramble.mix(u), Scramble.mix(i), r, t)
      b.result()
    }
    new Ratings(sc.parallelize(chunks.toSeq, partitions), IntegerIds, IntegerIds, timed = true)
  }

  // Few times, so that there are ties, among them of the first and the last item.
  private val moments = Samples.triples.map { case (u, i, r) => (u, i, r, (i ^ u) & 3) }

  test("the last of each user: by time, then by item; whoever has too few stays whole") {
    for (k <- Seq(1, 3)) {
      val right = moments.groupBy(_._1).values.filter(_.length > k).flatMap { own =>
        own.sortBy(e => (e._4, e._2)).takeRight(k).map(e => (e._1, e._2, e._3))
      }
      for ((some, partitions) <- Seq((moments, 1), (new Random(3).shuffle(moments), 7))) {
        val (train, test) = at(some, partitions).leaveLast(k)
        assert(train.timed && all(test) == right.toSet && right.size > 40)
        assert(all(train) == Samples.triples.toSet -- right && test.facts.count == right.size)
      }
    }
    assert(
      intercept[InvalidInput](Samples.ratings(sc).leaveLast(1)).getMessage.contains("no timestamps")
    )
  }

  test("the last of texts is by the order of the texts") {
    val names = Array("b", "\uffff", "\ud83c\udfac", "a")
    val b = new TriplesBuilder(4, timed = true)
    for (n <- names) b.add(Scramble.mix(0), TextIds.key(n), 1f, 5)
    val items = TextIds.of(names)
    val r = new Ratings(sc.parallelize(Seq(b.result()), 1), IntegerIds, items, timed = true)
    val left = r.leaveLast(2)._2.chunks.collect().flatMap(_.columns).map(items.textOf)
    assert(left.toSet == Set("\uffff", "\ud83c\udfac"))
  }

  test("a split of each user's: rounded shares, the same for any order and partitions") {
    val parts = Samples.ratings(sc, partitions = 1).splitByUser(Seq(0.6, 0.2, 0.2), 3).map(all)
    assert(parts.map(_.size).sum == Samples.triples.length)
    assert(parts.reduce(_ ++ _) == Samples.triples.toSet)
    for ((user, own) <- Samples.triples.groupBy(_._1)) {
      val cuts = Seq(0L, Math.round(0.6 * own.length), Math.round(0.8 * own.length), own.length)
      assert(
        parts.map(_.count(_._1 == user).toLong) == cuts.zip(cuts.drop(1)).map { case (a, b) =>
          b - a
        }
      )
    }
    val shuffled = new Random(5).shuffle(Samples.triples)
    assert(Samples.ratings(sc, shuffled, 4).splitByUser(Seq(3, 1, 1), 3).map(all) == parts)
    assert(Samples.ratings(sc).splitByUser(Seq(3, 1, 1), 4).map(all) != parts)
  }

  test("folds are disjoint, complete and alike in size, whatever was split off before") {
    val whole = Samples.triples.toSet
    val folds =
      Samples.ratings(sc, partitions = 1).kfold(4, 9).map { case (a, b) => (all(a), all(b)) }
    assert(folds.length == 4 && folds.map(_._2.size).sum == whole.size)
    assert(folds.flatMap(_._2).toSet == whole)
    for ((train, test) <- folds) {
      assert(train == whole -- test)
      assert(test.size > whole.size / 6 && test.size < whole.size / 3)
    }
    val shuffled = Samples.ratings(sc, new Random(5).shuffle(Samples.triples), 5)
    assert(shuffled.kfold(4, 9).map(p => all(p._2)) == folds.map(_._2))
    assert(shuffled.kfold(4, 8).map(p => all(p._2)) != folds.map(_._2))
    // The same seed twice: the folds of a part are folds of it.
    val part = Samples.ratings(sc).split(Seq(1, 1), 9).head
    val n = all(part).size
    assert(part.kfold(4, 9).map(p => all(p._2).size).forall(f => f > n / 7 && f < n / 2))
    assert(intercept[InvalidInput](shuffled.kfold(1, 0)).getMessage.startsWith("n must be"))
  }

  test("a union has both; times survive where both have them") {
    val more = Seq((9L, 9L, 9f))
    val both = Samples.ratings(sc).union(Samples.ratings(sc, more))
    assert(all(both) == Samples.triples.toSet ++ more && !both.timed)
    val t = timed(Seq(1, 2), 1)
    assert(t.union(t).timed && t.union(t).chunks.collect().forall(_.times != null))
    val mixed = t.union(Samples.ratings(sc, more))
    assert(!mixed.timed && mixed.chunks.collect().forall(_.times == null) && mixed.facts.count == 3)
  }

  test("weights go with their ratings through splits and unions, and must be finite and above 0") {
    val some = Samples.triples.map { case (u, i, r) => (u, i, r, ((u ^ i) & 7) / 4f) }
    def weighted(all: Seq[(Long, Long, Float, Float)]) = Ratings.weighted(sc.parallelize(all, 3))
    def heavy(r: Ratings) = r.chunks
      .collect()
      .toSeq
      .flatMap(c =>
        (0 until c.size).map(i =>
          (Scramble.unmix(c.rows(i)), Scramble.unmix(c.columns(i)), c.values(i), c.weight(i))
        )
      )
      .toSet
    val r = weighted(some)
    assert(r.weighted && !Samples.ratings(sc).weighted && heavy(r) == some.toSet)
    val splits = Seq(r.split(Seq(1, 1), 3), r.splitByUser(Seq(1, 1), 3), r.kfold(2, 0).map(_._2))
    for (parts <- splits) {
      assert(parts.forall(_.weighted) && parts.map(heavy).reduce(_ ++ _) == some.toSet)
    }
    val both = r.union(Samples.ratings(sc, Seq((9L, 9L, 9f))))
    assert(both.weighted && heavy(both) == some.toSet + ((9L, 9L, 9f, 1f)))
    for (bad <- Seq(-1f, Float.NaN, Float.PositiveInfinity)) {
      val e = intercept[InvalidInput](weighted(some :+ ((7L, 8L, 1f, bad))).facts)
      assert(
        e.getMessage.contains(s"1 weights are negative, NaN or infinite, for example of 7, 8: $bad")
      )
    }
  }

  test("kept ratings are kept until released") {
    val r = Samples.ratings(sc)
    assert(r.keep().keep() eq r)
    assert(r.chunks.getStorageLevel == Ratings.Kept)
    assert(r.facts.count == Samples.triples.length)
    r.release()
    assert(r.chunks.getStorageLevel == StorageLevel.NONE)
  }
}
