package mllibpy.engine

import mllibpy.kernel.Scramble
import org.scalacheck.Gen
import org.scalatest.funsuite.AnyFunSuite
import org.scalatestplus.scalacheck.ScalaCheckPropertyChecks

import scala.util.Random

private final case class Entry(row: Long, column: Long, value: Float, time: Long)

/** Blocks against a grouping by the collections library. */
class LayoutSuite extends AnyFunSuite with LocalSession with ScalaCheckPropertyChecks {
  private val unsigned: Ordering[Long] = (a, b) => java.lang.Long.compareUnsigned(a, b)

  /** Few rows and columns, so that pairs repeat. */
  private def entries(seed: Long, n: Int): Seq[Entry] = {
    val r = new Random(seed)
    Seq.fill(n)(
      Entry(
        Scramble.mix(r.nextInt(30).toLong),
        Scramble.mix(r.nextInt(20).toLong),
        r.nextGaussian().toFloat,
        r.nextInt(9).toLong
      )
    )
  }

  private def triples(some: Seq[Entry], timed: Boolean): Triples = {
    val b = new TriplesBuilder(4, timed)
    some.foreach(e => b.add(e.row, e.column, e.value, e.time))
    b.result()
  }

  /** Everything of a block, comparable. */
  private def content(b: SparseBlock) =
    (
      b.number,
      b.rowKeys.toSeq,
      b.columnKeys.toSeq,
      b.csr.start.toSeq,
      b.csr.columns.toSeq,
      b.csr.values.toSeq,
      b.bucketStart.toSeq
    )

  /** What a block should be. */
  private def expected(
      number: Int,
      buckets: Buckets,
      all: Seq[Entry],
      fold: Seq[Entry] => Float
  ) = {
    val own = all.filter(e => buckets.blockOf(e.row) == number)
    val rows = own.map(_.row).distinct.sorted(unsigned)
    val columns = own.map(_.column).distinct.sorted(unsigned)
    val sorted = rows.map { r =>
      own.filter(_.row == r).groupBy(_.column).toSeq.sortBy(_._1)(unsigned).map { case (c, es) =>
        (columns.indexOf(c), fold(es))
      }
    }
    val firsts = buckets.first(number) to buckets.first(number + 1)
    (
      number,
      rows,
      columns,
      sorted.scanLeft(0)(_ + _.length),
      sorted.flatten.map(_._1),
      sorted.flatten.map(_._2),
      firsts.map(bucket => rows.count(buckets.bucketOf(_) < bucket))
    )
  }

  private def sum(es: Seq[Entry]): Float = es.map(_.value).sorted.foldLeft(0.0)(_ + _).toFloat
  private def mean(es: Seq[Entry]): Float =
    (es.map(_.value).sorted.foldLeft(0.0)(_ + _) / es.length).toFloat
  private def last(es: Seq[Entry]): Float = es.last.value
  private def latest(es: Seq[Entry]): Float = es.filter(_.time == es.map(_.time).max).last.value

  private def builder(pieces: Seq[Piece], policy: Duplicates) = new BlockBuilder(pieces, policy)

  test("a block is its triples by row and column, for every policy") {
    val sizes = Gen.oneOf(0, 1, 5, 300)
    forAll(Gen.long, sizes, Gen.choose(1, 5)) { (seed: Long, n: Int, blocks: Int) =>
      val all = entries(seed, n)
      val buckets = Buckets(16, blocks)
      for (number <- 0 until blocks) {
        val own = all.filter(e => buckets.blockOf(e.row) == number)
        // In three pieces that arrive out of order.
        val (a, rest) = own.splitAt(own.length / 3)
        val (b, c) = rest.splitAt(rest.length / 2)
        def pieces(timed: Boolean) = Seq(
          new Piece(1, 0, triples(c, timed)),
          new Piece(0, 1, triples(b, timed)),
          new Piece(0, 0, triples(a, timed))
        )
        def check(policy: Duplicates, timed: Boolean, fold: Seq[Entry] => Float) =
          assert(
            content(builder(pieces(timed), policy).build(number, buckets).block) == expected(
              number,
              buckets,
              all,
              fold
            )
          )
        check(Duplicates.Sum, timed = false, sum)
        check(Duplicates.Mean, timed = false, mean)
        check(Duplicates.Last, timed = false, last)
        check(Duplicates.Last, timed = true, latest)
      }
    }
  }

  test("duplicates are counted and sampled") {
    val e = Entry(5, 6, 1, 0)
    val pieces = Seq(new Piece(0, 0, triples(Seq(e, e, e.copy(column = 7), e), timed = false)))
    val built = builder(pieces, Duplicates.Refuse).build(0, Buckets(1, 1))
    assert(built.duplicates == 2)
    assert(built.sample == Seq((5L, 6L, 3)))
    val many = (0 until 10).flatMap(i => Seq.fill(2)(e.copy(row = i.toLong)))
    val more = builder(Seq(new Piece(0, 0, triples(many, timed = false))), Duplicates.Refuse)
      .build(0, Buckets(1, 1))
    assert(more.duplicates == 10 && more.sample.length == BlockBuilder.Sample)
  }

  test("last without times in some chunks takes those as time 0") {
    val early = Entry(1, 2, 1f, -5)
    val none = Entry(1, 2, 2f, 0)
    val pieces = Seq(
      new Piece(0, 0, triples(Seq(none), timed = false)),
      new Piece(0, 1, triples(Seq(early), timed = true))
    )
    assert(
      builder(pieces, Duplicates.Last).build(0, Buckets(1, 1)).block.csr.values.toSeq == Seq(2f)
    )
  }

  test("more ratings than an array can hold are refused with advice") {
    val chunk = new Triples(null, null, new Array[Float](1 << 20), null)
    val pieces = Seq.tabulate(1 << 11)(new Piece(0, _, chunk))
    val e = intercept[InvalidInput](builder(pieces, Duplicates.Sum))
    assert(e.getMessage.contains("num_blocks"))
  }

  /** Blocks by Spark, from chunks cut and partitioned in some way. */
  private def lay(
      all: Seq[Entry],
      partitions: Int,
      chunk: Int,
      blocks: Int,
      policy: Duplicates,
      timed: Boolean
  ) = {
    val chunks = all.grouped(chunk).map(triples(_, timed)).toSeq
    val rdd = sc.parallelize(chunks, partitions)
    Layout.blocks(rdd, Buckets(16, blocks), policy).collect().toSeq
  }

  test("any partitioning of the input gives the same blocks, in the order of their numbers") {
    val all = entries(7, 400)
    for (
      blocks <- Seq(1, 3, 20);
      (policy, timed, fold) <- Seq(
        (Duplicates.Sum, false, sum _),
        (Duplicates.Last, false, last _),
        (Duplicates.Last, true, latest _)
      )
    ) {
      val right = (0 until blocks).map(expected(_, Buckets(16, blocks), all, fold))
      for ((partitions, chunk) <- Seq((1, 400), (4, 7)))
        assert(
          lay(all, partitions, chunk, blocks, policy, timed).map(b => content(b.block)) == right
        )
    }
  }

  test("sum and mean do not depend on the order of the input, to the last bit") {
    // Far apart, so that the order of a sum would show in float32 too.
    val apart = Seq(1e30f, 1f, -1e30f, 3e-3f).map(v => Entry(5, 6, v, 0))
    val all = entries(8, 500) ++ apart
    for (policy <- Seq(Duplicates.Sum, Duplicates.Mean)) {
      val right = lay(all, 1, 500, 2, policy, timed = false).map(b => content(b.block))
      for (seed <- 0 until 3)
        assert(
          lay(new Random(seed).shuffle(all), 3, 50, 2, policy, timed = true)
            .map(b => content(b.block)) == right
        )
    }
  }

  test("the latest does not depend on the order of the input where times differ") {
    val all = entries(9, 500).zipWithIndex.map { case (e, i) => e.copy(time = i.toLong) }
    val right = (0 until 2).map(expected(_, Buckets(16, 2), all, latest))
    val shuffled = new Random(1).shuffle(all)
    assert(
      lay(shuffled, 3, 50, 2, Duplicates.Last, timed = true).map(b => content(b.block)) == right
    )
  }

  test("weights come along, and repeated pairs have one by the policy, in any order") {
    // (value, weight) of one pair, beside another pair that is there once.
    val run = Seq((2f, 1f), (6f, 3f), (-2f, 0.5f), (6f, 0f))
    def folded(order: Seq[(Float, Float)], policy: Duplicates, partitions: Int) = {
      val chunks = order.zipWithIndex.map { case ((v, w), i) =>
        val b = new TriplesBuilder(4, timed = true, weighted = true)
        b.add(5, 6, v, if (v == -2f) 9 else i.toLong, w)
        b.add(5, Scramble.mix(100L + i), 1f, 0, 10f + v * w)
        b.result()
      }
      val csr = Layout
        .blocks(sc.parallelize(chunks, partitions), Buckets(16, 1), policy)
        .collect()
        .head
        .block
        .csr
      val weights = new Array[Float](csr.size)
      csr.readWeights(0, csr.size, weights)
      val all = csr.values.zip(weights)
      assert(
        all.filter(_._1 == 1f).map(_._2).sorted.toSeq == order.map(e => 10 + e._1 * e._2).sorted
      )
      all.filter(_._1 != 1f).toSeq
    }
    val right = Seq(
      Duplicates.Sum -> ((12f, (2f + 18f + 1f) / 16f)),
      Duplicates.Mean -> (((2f + 18f - 1f) / 4.5f, 4.5f / 4)),
      Duplicates.Last -> ((-2f, 0.5f))
    )
    for ((policy, one) <- right; order <- run.permutations.take(6))
      assert(folded(order, policy, 2) == Seq(one), policy.name)
    // Weights that are all 0, and values that are, count alike.
    assert(folded(run.map(e => (e._1, 0f)), Duplicates.Mean, 1) == Seq((3f, 0f)))
    assert(folded(run.map(e => (0f, e._2)), Duplicates.Sum, 1) == Seq((0f, 4.5f / 4)))
    for (policy <- Seq(Duplicates.Sum, Duplicates.Mean))
      assert(folded(run.map(e => (e._1, 1f)), policy, 1).map(_._2) == Seq(1f))
  }

  test("more triples than a chunk leave a partition in several pieces, and keep their order") {
    val n = Triples.ChunkSize + 100
    val all = Seq.tabulate(n)(i => Entry(1, Scramble.mix((i % 1000).toLong), i.toFloat, 0))
    val block = lay(all, 1, 1 << 20, 1, Duplicates.Last, timed = false).head.block
    val found = block.columnKeys.map(Scramble.unmix).zip(block.csr.values).toMap
    for (c <- 0 until 1000) assert(found(c.toLong) == (c until n by 1000).last.toFloat)
  }

  test("no ratings in a block give an empty block") {
    val built = lay(Seq(Entry(0, 1, 2, 3)), 2, 1, 4, Duplicates.Refuse, timed = false)
    assert(built.map(_.block.csr.size) == Seq(1, 0, 0, 0))
    assert(built.map(_.block.number) == Seq(0, 1, 2, 3))
    assert(built(3).block.bucketStart.toSeq == Seq.fill(5)(0))
  }
}
