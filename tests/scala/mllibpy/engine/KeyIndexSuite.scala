package mllibpy.engine

import org.scalacheck.Gen
import org.scalatest.funsuite.AnyFunSuite
import org.scalatestplus.scalacheck.ScalaCheckPropertyChecks

class KeyIndexSuite extends AnyFunSuite with ScalaCheckPropertyChecks {
  // Random keys, and keys that differ in their high bits alone, which all want the same slot.
  private val keys =
    Gen.listOf(Gen.oneOf(Gen.long, Gen.choose(0L, 40L).map(_ << 40), Gen.oneOf(0L, -1L)))
  private val unsigned: Ordering[Long] = (a, b) => java.lang.Long.compareUnsigned(a, b)

  test("keys are numbered in the order they come, each once") {
    forAll(keys) { (some: List[Long]) =>
      val index = new KeyIndex(1)
      val numbers = some.map(index.add)
      val distinct = some.distinct
      assert(index.size == distinct.length)
      assert(numbers == some.map(distinct.indexOf(_)))
      assert(distinct.indices.map(index.key) == distinct)
      for (k <- some) assert(index.find(k) == distinct.indexOf(k))
      for (k <- Seq(1L, 77L << 40, Long.MaxValue) if !some.contains(k)) assert(index.find(k) == -1)
    }
  }

  test("sorted is unsigned order, and places says where each number went") {
    forAll(keys) { (some: List[Long]) =>
      val index = new KeyIndex(8)
      some.foreach(index.add)
      val sorted = index.sorted()
      assert(sorted.toSeq == some.distinct.sorted(unsigned))
      val places = index.places(sorted)
      for (n <- 0 until index.size) assert(sorted(places(n)) == index.key(n))
    }
  }

  test("it grows past its first size many times") {
    val index = new KeyIndex(1)
    for (i <- 0 until 100000) assert(index.add(i * 0x9e3779b97f4a7c15L) == i)
    for (i <- 0 until 100000) assert(index.find(i * 0x9e3779b97f4a7c15L) == i)
    assert(index.find(5) == -1)
  }

  test("placesOf finds some among all") {
    forAll(keys, Gen.long) { (some: List[Long], seed: Long) =>
      val all = some.distinct.sorted(unsigned).toArray
      val part = all.filter(k => ((k ^ seed) * 0x9e3779b97f4a7c15L) < 0)
      assert(KeyIndex.placesOf(part, all).toSeq == part.toSeq.map(all.indexOf(_)))
    }
  }
}
