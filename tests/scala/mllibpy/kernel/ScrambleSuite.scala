package mllibpy.kernel

import org.scalatest.funsuite.AnyFunSuite
import org.scalatestplus.scalacheck.ScalaCheckPropertyChecks

import java.nio.charset.StandardCharsets.UTF_8

class ScrambleSuite extends AnyFunSuite with ScalaCheckPropertyChecks {
  test("unmix undoes mix, and mix unmix") {
    forAll { (id: Long) =>
      assert(Scramble.unmix(Scramble.mix(id)) == id)
      assert(Scramble.mix(Scramble.unmix(id)) == id)
    }
    for (id <- Seq(0L, -1L, Long.MinValue, Long.MaxValue) ++ (0 until 64).map(1L << _)) {
      assert(Scramble.unmix(Scramble.mix(id)) == id)
      assert(Scramble.mix(Scramble.unmix(id)) == id)
    }
  }

  test("mix is SplitMix64's finaliser: its first number for the seed 0") {
    assert(Scramble.mix(0x9e3779b97f4a7c15L) == 0xe220a8397b1dcdafL)
  }

  test("ids in a row, and multiples of a power of two, fill buckets evenly") {
    for (step <- Seq(1L, 2L, 1L << 20, 1L << 40)) {
      val filled = new Array[Int](64)
      for (i <- 0 until 64000) filled((Scramble.mix(i * step) >>> 58).toInt) += 1
      assert(filled.min > 850 && filled.max < 1150, s"step $step: ${filled.toSeq}")
    }
  }

  test("a text's key is FNV-1a of its bytes, mixed") {
    def key(s: String) = Scramble.text(s.getBytes(UTF_8), 0, s.getBytes(UTF_8).length)
    assert(Scramble.unmix(key("")) == 0xcbf29ce484222325L)
    assert(Scramble.unmix(key("a")) == 0xaf63dc4c8601ec8cL)
    assert(Scramble.unmix(key("foobar")) == 0x85944171f73967e8L)
    val inside = "xxfoobaryy".getBytes(UTF_8)
    assert(Scramble.text(inside, 2, 8) == key("foobar"))
    assert(key("ä") != key("a"))
  }
}
