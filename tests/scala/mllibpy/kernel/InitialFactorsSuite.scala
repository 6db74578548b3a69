package mllibpy.kernel

import org.scalatest.funsuite.AnyFunSuite
import org.scalatestplus.scalacheck.ScalaCheckPropertyChecks

class InitialFactorsSuite extends AnyFunSuite with ScalaCheckPropertyChecks {
  private def row(
      key: Long,
      rank: Int,
      seed: Long = 0,
      side: Int = 0,
      nonnegative: Boolean = false
  ) =
    InitialFactors.rows(Array(key), rank, seed, side, nonnegative).toSeq

  test("a row belongs to its key alone, wherever it stands") {
    forAll { (keys: List[Long], seed: Long) =>
      val together = InitialFactors.rows(keys.toArray, 5, seed, 1, nonnegative = false)
      val apart = keys.flatMap(k => row(k, 5, seed, side = 1))
      assert(together.toSeq == apart)
    }
  }

  test("rows have length one and zeros behind them") {
    for (rank <- Seq(1, 2, 16, 17, 100); nonnegative <- Seq(false, true); key <- 0L until 20L) {
      val x = row(Scramble.mix(key), rank, nonnegative = nonnegative)
      assert(x.length == Stride.of(rank))
      assert(Math.abs(x.map(v => v.toDouble * v).sum - 1) < 1e-5)
      assert(x.drop(rank).forall(_ == 0))
      if (nonnegative) assert(x.forall(_ >= 0))
    }
  }

  test("draws are spread like normal ones, and their signs where they may be negative") {
    val x = InitialFactors.rows(Array.tabulate(1000)(i => Scramble.mix(i.toLong)), 16, 3, 0, false)
    val mean = x.map(_.toDouble).sum / x.length
    assert(Math.abs(mean) < 0.01)
    // Unit vectors of 16 draws: variance 1/16; a normal draw's fourth moment is 3 variances squared.
    val second = x.map(v => Math.pow(v.toDouble, 2)).sum / x.length
    val fourth = x.map(v => Math.pow(v.toDouble, 4)).sum / x.length
    assert(Math.abs(second * 16 - 1) < 0.01)
    assert(fourth / second / second > 2.2 && fourth / second / second < 3.2)
  }

  test("seed, side and key all matter") {
    val rows =
      for (key <- 0L until 10L; seed <- -2L to 2L; side <- 0 to 1) yield row(key, 8, seed, side)
    assert(rows.distinct.length == rows.length)
  }

  test("the same on every machine: a row written down") {
    val x = row(Scramble.mix(42), 3, seed = 7)
    assert(x.take(3) == Seq(-0.39725137f, -0.34739164f, -0.8494177f))
  }
}
