package mllibpy.kernel.cluster

import mllibpy.kernel.linear.{DenseFloats, Examples, FloatExamples, SparseExamples}
import org.scalatest.funsuite.AnyFunSuite

import scala.util.Random

/** Assignments by tiles against the definition; vectors against plain loops; bounds against none.
  */
class AssignSumSuite extends AnyFunSuite {
  private def singles(rows: Seq[Array[Double]], weights: Array[Double] = null): Examples = {
    val n = rows.head.length
    val stride = DenseFloats.padded(n)
    val values = new Array[Float](rows.length * stride)
    for ((row, r) <- rows.zipWithIndex; f <- 0 until n) values(r * stride + f) = row(f).toFloat
    new FloatExamples(n, values, new Array[Double](rows.length), weights)
  }

  private def doubles(rows: Seq[Array[Double]], weights: Array[Double] = null): Examples =
    Points.dense(rows.flatten.toArray, rows.head.length, weights)

  private def sparse(rows: Seq[Array[Double]], weights: Array[Double] = null): Examples = {
    val entries = rows.map(row => row.indices.filter(row(_) != 0))
    new SparseExamples(
      rows.head.length,
      entries.scanLeft(0)(_ + _.length).toArray,
      entries.flatten.toArray,
      rows.zip(entries).flatMap { case (row, at) => at.map(row(_)) }.toArray,
      new Array[Double](rows.length),
      weights
    )
  }

  // Quarters: sums of products of them are exact in float32.
  private def rows(n: Int, features: Int, random: Random): Seq[Array[Double]] =
    Seq.fill(n)(Array.fill(features)((random.nextInt(41) - 20) / 4.0))

  private def centresOf(rows: Seq[Array[Double]], cosine: Boolean = false): Centres = {
    val n = rows.head.length
    Centres(rows, if (cosine) new Array[Double](n) else Array.tabulate(n)(_ % 3 / 2.0), cosine)
  }

  private def nearest(row: Array[Double], centres: Seq[Array[Double]]): Int =
    centres.indices.minBy { c =>
      row.zip(centres(c)).map { case (a, b) => (a - b) * (a - b) }.sum
    }

  for (
    (name, lay) <- Seq[(String, (Seq[Array[Double]], Array[Double]) => Examples)](
      ("float32 rows", singles(_, _)),
      ("float64 rows", doubles(_, _)),
      ("sparse rows", sparse(_, _))
    );
    arithmetic <- Seq(CentreTiles.best, PlainCentreTiles).distinct
  )
    test(s"$name, ${arithmetic.getClass.getSimpleName}: the nearest centre, ties to the first") {
      val random = new Random(3)
      for (features <- Seq(1, 2, 7, 16, 33); k <- Seq(1, 2, 15, 16, 17, 32, 33, 70)) {
        val data = rows(1 + random.nextInt(150), features, random)
        val centres = rows(k, features, random)
        val search = Search.of(lay(data, null), arithmetic)
        Search.tiles(data.length) { (from, n) =>
          search.take(from, n)
          search.find(centresOf(centres), two = true)
          for (r <- 0 until n) {
            val row = data(from + r)
            assert(search.which(r) == nearest(row, centres), s"$features features, $k centres")
            val others = centres.indices.filter(_ != search.which(r))
            if (others.nonEmpty) {
              val next = centres(others(nearest(row, others.map(centres(_)))))
              val shift = centresOf(centres).shift
              def square(p: Array[Double], q: Array[Double]) =
                p.zip(q).map { case (a, b) => (a - b) * (a - b) }.sum
              val apart = square(row, shift) - 2 * search.second(r)
              assert(Math.abs(apart - square(row, next)) < 1e-3)
            }
          }
          val gathered = Array.range(from, from + n).reverse
          val before = search.which.clone()
          search.gather(gathered, 0, n)
          search.find(centresOf(centres), two = false)
          for (r <- 0 until n) assert(search.which(r) == before(n - 1 - r))
        }
      }
    }

  /** Lloyd's algorithm by passes of the sum; the labels after each of them. */
  private def labels(
      blocks: Seq[Examples],
      start: Centres,
      passes: Int,
      bounds: Boolean,
      changes: Boolean
  ): (Seq[Seq[Int]], Seq[Array[Double]], Long) = {
    val fit = Random.nextLong()
    var centres = start
    var drift = new Array[Double](start.k)
    var (sums, weights) = (new Array[Double](start.values.length), new Array[Double](start.k))
    var scored = 0L
    val found = (0 until passes).map { pass =>
      val apart = Array.tabulate(start.k) { c =>
        (0 until start.k)
          .filter(_ != c)
          .map { o =>
            Math.sqrt(centres.apart(c, centres.values, o * centres.features))
          }
          .minOption
          .getOrElse(Double.PositiveInfinity)
      }
      val plan = new StartPlan(centres, true, changes && pass > 0, bounds, drift, apart)
      val sum = new AssignSum(new AssignPlan(fit, pass, true, Array(plan)))
      blocks.foreach(sum.add)
      assert(!sum.lost)
      scored += sum.scored(0)
      if (plan.changes) {
        for (i <- sums.indices) sums(i) += sum.sums(0)(i)
        for (c <- weights.indices) weights(c) += sum.weights(0)(c)
      } else {
        sums = sum.sums(0)
        weights = sum.weights(0)
      }
      val values = centres.values.clone()
      for (c <- weights.indices if weights(c) > 1e-9) {
        val n = centres.features
        val by =
          if (centres.cosine) 1 / Math.max(1e-9, Math.sqrt(Search.square(sums, c * n, n)))
          else 1 / weights(c)
        for (f <- 0 until n) values(c * n + f) = sums(c * n + f) * by
      }
      val moved = new Centres(centres.k, centres.features, values, centres.shift, centres.cosine)
      drift = Array.tabulate(centres.k) { c =>
        Math.sqrt(moved.apart(c, centres.values, c * centres.features))
      }
      centres = moved
      val all = blocks.flatMap { b =>
        val state = RowStates.take(b, fit, pass + 1)
        RowStates.put(b, fit, pass + 1, state)
        state.labels(0).toSeq
      }
      all
    }
    Beside.forget(fit)
    (found, Seq(sums, weights), scored)
  }

  test("bounds change no assignment, of duplicates, ties, clusters and noise alike") {
    val random = new Random(7)
    var (with_, without) = (0L, 0L)
    for (round <- 0 until 60) {
      val features = 1 + random.nextInt(12)
      val k = 1 + random.nextInt(40)
      val middles = rows(1 + random.nextInt(20), features, random)
      val data = Seq.fill(60 + random.nextInt(200)) {
        val m = middles(random.nextInt(middles.length))
        val noise = if (round % 3 == 0) 0.0 else 1.5 * random.nextDouble()
        m.map(x => x + 1 + noise * random.nextGaussian() + (if (round % 5 == 0) 300 else 0))
      }
      val weights = if (round % 2 == 0) null else Array.fill(data.length)(random.nextInt(3) / 2.0)
      val lay = Seq[(Seq[Array[Double]], Array[Double]) => Examples](
        singles(_, _),
        doubles(_, _),
        sparse(_, _)
      )(round % 3)
      val half = data.length / 2
      def part(of: Array[Double], from: Int, to: Int) = if (of == null) null else of.slice(from, to)
      val blocks = Seq(
        lay(data.take(half), part(weights, 0, half)),
        lay(data.drop(half), part(weights, half, data.length))
      )
      val cosine = round % 4 == 3
      val start = centresOf(
        Seq.fill(k)(data(random.nextInt(data.length))).map { row =>
          val length = Math.sqrt(row.map(x => x * x).sum)
          if (cosine) row.map(_ / length) else row
        },
        cosine
      )
      val plain = labels(blocks, start, 8, bounds = false, changes = false)
      for (changes <- Seq(false, true)) {
        val bounded = labels(blocks, start, 8, bounds = true, changes)
        if (bounded._1 != plain._1) fail(s"round $round: bounds changed an assignment")
        for ((a, b) <- bounded._2.zip(plain._2); (x, y) <- a.zip(b))
          if (changes) assert(Math.abs(x - y) <= 1e-7 * (1 + Math.abs(y)))
          else assert(x == y) // whoever has lost bounds must not be told by the last bit
        with_ += bounded._3
        without += plain._3
      }
    }
    assert(with_ < 0.8 * without)
  }

  test("a state that is gone means a full pass, and sums of changes say that they are lost") {
    val data = rows(100, 3, new Random(1))
    val block = doubles(data)
    val centres = centresOf(data.take(5))
    def plan(changes: Boolean) = new AssignPlan(
      99,
      1,
      true,
      Array(
        new StartPlan(centres, true, changes, true, new Array[Double](5), new Array[Double](5))
      )
    )
    assert(new AssignSum(plan(changes = true)).add(block).lost)
    Beside.forget(99)
    val sum = new AssignSum(plan(changes = false)).add(block)
    assert(!sum.lost && sum.scored(0) == 100 && sum.weights(0).sum == 100)
    assert(RowStates.take(block, 99, 1) == null && RowStates.take(block, 98, 2) == null)
    assert(RowStates.take(block, 99, 2) != null && RowStates.take(block, 99, 2) == null)
  }

  test("draws belong to rows: the smallest times, whatever the order; content without zeros") {
    val random = new Random(2)
    val times = Seq.fill(500)(random.nextDouble())
    val drawn = Seq(times, times.reverse).map { of =>
      val parts = of.grouped(90).map { some =>
        val d = new Drawn(20, 1)
        some.foreach(t => d.offer(t, Array(t)))
        d
      }
      parts.reduce(_ merge _).ascending.map(_.head)
    }
    assert(drawn.head == times.sorted.take(20) && drawn(1) == drawn.head)
    val data = Seq(Array(0.0, 1.5, 0.0, -2.0), Array(1.5, 0.0, -2.0, 0.0))
    assert(doubles(data).content(0) == sparse(data).content(0))
    assert(singles(data).content(1) == sparse(data).content(1))
    assert(doubles(data).content(0) != doubles(data).content(1))
  }

  test("copies of a row have draws of their own, in blocks and partitions alike") {
    val block = doubles(Seq.fill(100)(Seq(Array(1.0, 2.0), Array(3.0, 4.0))).flatten)
    val keys = for (partition <- 1 to 2) yield {
      val of = new RowKeys(_ => -partition.toLong)
      Seq(of.next(block), of.next(block)).flatten
    }
    // The first copy of a block keeps the key of its content.
    assert(keys.flatten.distinct.length == 2 * 2 * 2 * 99 + 2)
    val different = doubles(Seq(Array(1.0, 2.0), Array(3.0, 4.0)))
    val first = new RowKeys(_ => -1).next(different).toSeq
    assert(new RowKeys(_ => -9).next(different).toSeq == first)
    assert(new RowKeys(_ => 5).next(different)(1) == new RowKeys(_ => 6).next(different)(0))
  }

  test("a round finds the distances of all starts that the one before has left, and the end none") {
    val block = doubles(rows(50, 3, new Random(4)))
    val shift = new Array[Double](3)
    val candidates = Seq(0, 20).map(r => Centres(Seq(Points.row(block, r, false)), shift, false))
    def round(number: Int, known: Boolean) = {
      val starts = candidates.zipWithIndex.map { case (c, i) =>
        val (old, fresh) = if (known) (Some(c), None) else (None, Some(c))
        new DrawPlan(i, old, fresh, 5, 1, 3, false, shift)
      }
      new DrawSums(new DrawPlans(77, number, starts.toArray), _ => 0L).add(block).sums
    }
    val first = round(0, known = false)
    // Distances that no candidate has: who reads them has found the state.
    val left = NearStates.take(block, 77, 1)
    assert(left.keySet == Set(0, 1))
    left.values.foreach(near => java.util.Arrays.fill(near.distances, 2.0))
    NearStates.put(block, 77, 1, left)
    assert(round(1, known = true).toSeq.map(_.cost) == Seq(100.0, 100.0))
    // Lost, they are found anew.
    assert(round(5, known = true).toSeq.map(_.cost) == first.toSeq.map(_.cost))
    for ((fit, kept) <- Seq(76L -> 1, 77L -> 0)) {
      new FinalSum(candidates.toArray, labelled = false, Seq(fit)).add(block)
      assert(NearStates.held == kept)
    }
  }

  test("what is the same has the distance 0: sparse rows, and one direction") {
    val row = Array(1e8, 0.0, 3e-5, 7.0)
    val centres = Centres(Seq(row), new Array[Double](4), cosine = false)
    for (block <- Seq(doubles(Seq(row)), sparse(Seq(row))))
      assert(Distance(Search.of(block), centres, 0, 0) == 0)
    val near = sparse(Seq(row.updated(3, 8.0)))
    assert(Distance(Search.of(near), centres, 0, 0) == 1)
    val unit = Seq(0.6, 0.8, 0.0, 0.0).toArray
    val direction = Centres(Seq(unit), new Array[Double](4), cosine = true)
    for (by <- Seq(1.0, 3.3, 1e-9, 7e11)) {
      val same = Search.of(doubles(Seq(unit.map(_ * by))))
      assert(Distance(same, direction, 0, 0) == 0)
    }
    assert(Distance(Search.of(doubles(Seq(new Array[Double](4)))), direction, 0, 0) == 1)
    assert(new RowScores(direction).distances(new Array[Double](4), null).toSeq == Seq(1.0))
  }
}
