package mllibpy.engine

import org.scalacheck.Gen
import org.scalatest.funsuite.AnyFunSuite
import org.scalatestplus.scalacheck.ScalaCheckPropertyChecks

class TriplesSuite extends AnyFunSuite with ScalaCheckPropertyChecks {
  private def all(t: Triples) =
    (0 until t.size).map(i =>
      (t.rows(i), t.columns(i), t.values(i), if (t.times == null) 0L else t.times(i))
    )

  test("a builder gives what was added, and is empty again") {
    val entries = Gen.listOf(Gen.zip(Gen.long, Gen.long, Gen.choose(-5f, 5f), Gen.long))
    forAll(entries, Gen.oneOf(true, false)) {
      (some: List[(Long, Long, Float, Long)], timed: Boolean) =>
        val b = new TriplesBuilder(0, timed)
        for (round <- 0 to 2) {
          val own = some.drop(round)
          for ((r, c, v, t) <- own) b.add(r, c, v, t)
          assert(b.size == own.length)
          val got = b.result()
          assert(all(got) == own.map(e => if (timed) e else e.copy(_4 = 0L)))
          assert((got.times != null) == timed && b.size == 0)
        }
    }
  }

  test("transposed exchanges rows and columns; filter keeps by position") {
    val t = new Triples(Array(1, 2, 3), Array(4, 5, 6), Array(7, 8, 9), Array(10, 11, 12))
    assert(all(t.transposed) == Seq((4L, 1L, 7f, 10L), (5L, 2L, 8f, 11L), (6L, 3L, 9f, 12L)))
    assert(all(t.filter(_ != 1)) == Seq((1L, 4L, 7f, 10L), (3L, 6L, 9f, 12L)))
    assert(t.filter(_ => false).size == 0)
    val bare = new Triples(Array(1), Array(2), Array(3), null)
    assert(bare.filter(_ => true).times == null && bare.filter(_ => true).weights == null)
  }

  test("weights stay with their triples") {
    val t = new Triples(Array(1, 2, 3), Array(4, 5, 6), Array(7, 8, 9), null, Array(0.5f, 0, 2))
    assert(t.transposed.weights.toSeq == Seq(0.5f, 0f, 2f))
    assert(t.filter(_ != 0).weights.toSeq == Seq(0f, 2f) && t.weight(2) == 2f)
    val more = Triples.concat(Seq(t, t.filter(_ == 2)))
    assert(more.weights.toSeq == Seq(0.5f, 0f, 2f, 2f) && more.values.toSeq == Seq(7f, 8f, 9f, 9f))
    val b = new TriplesBuilder(0, timed = false, weighted = true)
    b.add(1, 2, 3, 0)
    for (_ <- 0 until 40) b.add(1, 2, 3, 0, 0.25f)
    assert(b.result().weights.toSeq == 1f +: Seq.fill(40)(0.25f))
  }
}
