package mllibpy.engine

import org.scalatest.funsuite.AnyFunSuite

import java.util.concurrent.atomic.AtomicInteger

/** Sums over blocks, on the driver's threads and in Spark. */
class BlocksSuite extends AnyFunSuite with LocalSession {
  private val blocks = (1 to 40).map(i => Vector(i, -i))

  /** A sum that shows its order. */
  private def listed(of: Blocks[Vector[Int]], bytes: Long) =
    of.sum(bytes)(() => Vector.empty[Int])(_ ++ _)(_ ++ _)

  test("parts are merged in the order of the blocks, for any number of threads") {
    for (threads <- Seq(1, 2, 7, 100))
      assert(listed(new HereBlocks(blocks, threads), 8) == blocks.flatten)
    assert(listed(new HereBlocks(Nil, 3), 8) == Nil)
  }

  test("in Spark likewise, also where groups of them are merged first") {
    val rdd = sc.parallelize(blocks, 20)
    for (bytes <- Seq(8L, 1L << 30))
      assert(listed(new SparkBlocks(rdd, () => ()), bytes) == blocks.flatten)
    assert(SparkBlocks.fanIn(20, 8) == 1 && SparkBlocks.fanIn(20, 1L << 30) == 5)
    assert(SparkBlocks.fanIn(2, 1L << 30) == 2 && SparkBlocks.fanIn(4096, 1L << 30) == 64)
  }

  test("what a thread throws is thrown") {
    val seen = new AtomicInteger
    val thrown = intercept[InvalidInput] {
      new HereBlocks(blocks, 4).sum(8)(() => 0) { (n, b) =>
        seen.incrementAndGet()
        if (b.head == 39) throw new InvalidInput("no") else n + 1
      }(_ + _)
    }
    assert(thrown.getMessage == "no" && seen.get > 0)
  }

  test("release frees what the blocks are made from") {
    var freed = false
    val rdd = sc.parallelize(blocks, 2).persist()
    val held = new SparkBlocks(rdd, () => freed = true)
    listed(held, 8)
    held.release()
    assert(freed && rdd.getStorageLevel.useMemory == false)
  }
}
