package mllibpy.kernel

import org.scalacheck.Gen
import org.scalatest.funsuite.AnyFunSuite
import org.scalatestplus.scalacheck.ScalaCheckPropertyChecks

class StrideSuite extends AnyFunSuite with ScalaCheckPropertyChecks {
  test("a stride is the next multiple of 16") {
    assert(Seq(1, 15, 16, 17, 64, 65, 4096).map(Stride.of) == Seq(16, 16, 16, 32, 64, 80, 4096))
  }

  test("pad spreads rows with zeros between them, and pack undoes it") {
    forAll(Gen.choose(1, 40), Gen.choose(0, 5)) { (rank: Int, rows: Int) =>
      val packed = Array.tabulate(rows * rank)(_ + 1f)
      val padded = Stride.pad(packed, rank)
      assert(padded.length == rows * Stride.of(rank))
      for (r <- 0 until rows; j <- 0 until Stride.of(rank)) {
        val expected = if (j < rank) r * rank + j + 1f else 0f
        assert(padded(r * Stride.of(rank) + j) == expected)
      }
      assert(Stride.pack(padded, rank).toSeq == packed.toSeq)
    }
  }
}
