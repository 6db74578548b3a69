package mllibpy.engine

import org.scalacheck.Gen
import org.scalatest.funsuite.AnyFunSuite
import org.scalatestplus.scalacheck.ScalaCheckPropertyChecks

class BucketsSuite extends AnyFunSuite with ScalaCheckPropertyChecks {
  private val some = for {
    bits <- Gen.choose(0, 12)
    blocks <- Gen.oneOf(Gen.choose(1, 20), Gen.choose(1, 5000))
  } yield Buckets(1 << bits, blocks)

  test("every key lands in the block whose run of buckets has its bucket") {
    forAll(some, Gen.long) { (b: Buckets, key: Long) =>
      val (bucket, block) = (b.bucketOf(key), b.blockOf(key))
      assert(bucket >= 0 && bucket < b.count)
      assert(block >= 0 && block < b.blocks)
      assert(b.first(block) <= bucket && bucket < b.first(block + 1))
    }
  }

  test("the runs of the blocks cover all buckets in order") {
    forAll(some) { (b: Buckets) =>
      val firsts = (0 to b.blocks).map(b.first)
      assert(firsts.head == 0 && firsts.last == b.count)
      assert(firsts == firsts.sorted)
    }
  }

  test("keys in unsigned order have their buckets and blocks in order") {
    val b = Buckets(64, 7)
    forAll { (x: Long, y: Long) =>
      val (low, high) = if (java.lang.Long.compareUnsigned(x, y) <= 0) (x, y) else (y, x)
      assert(b.bucketOf(low) <= b.bucketOf(high) && b.blockOf(low) <= b.blockOf(high))
    }
    assert(b.bucketOf(0) == 0 && b.bucketOf(-1) == 63)
    assert(b.bucketOf(Long.MaxValue) == 31 && b.bucketOf(Long.MinValue) == 32)
  }

  test("one bucket holds everything") {
    val b = Buckets(1, 3)
    forAll((key: Long) => assert(b.bucketOf(key) == 0 && b.blockOf(key) == 0))
  }

  test("their number follows from the ratings alone: a power of two from 16 to 4096") {
    def count(ratings: Long) = Buckets.of(ratings, 1).count
    assert(
      Seq(0L, 1L, 1000000L, 20000000L, Long.MaxValue / 2).map(count) == Seq(16, 16, 128, 4096, 4096)
    )
    assert(Seq(1, 2, 100, 4096).map(Buckets.of(1000000L, _).count).distinct == Seq(128))
  }

  private val weights = for {
    heavy <- Gen.choose(0, Buckets.Most - 1)
    weight <- Gen.choose(1L, 100000L)
  } yield Array.fill(Buckets.Most)(5L).updated(heavy, weight)

  test("balanced: no block has much more than its share") {
    forAll(weights, Gen.choose(1, 50)) { (w: Array[Long], blocks: Int) =>
      val b = Buckets.balanced(w, blocks)
      val each = Buckets.Most / b.count
      val loads =
        (0 until blocks).map(i => w.slice(b.first(i) * each, b.first(i + 1) * each).sum)
      val heaviest = w.grouped(each).map(_.sum).max
      assert(loads.sum == w.sum)
      assert(loads.max <= w.sum.toDouble / blocks + 3 * heaviest)
    }
  }

  test("balanced: a hot bucket has a block for itself, the others share the rest") {
    val w = Array.fill(Buckets.Most)(16L)
    w(0) = 1L << 20
    val b = Buckets.balanced(w, 4)
    assert(b.count == 256 && (0 to 4).map(b.first) == Seq(0, 1, 86, 171, 256))
  }

  test("a number of buckets that is no power of two, or no blocks, is refused") {
    intercept[IllegalArgumentException](Buckets(12, 1))
    intercept[IllegalArgumentException](Buckets(16, 0))
  }
}
