package mllibpy.algorithm.als

import mllibpy.kernel.{Prior, Stride}
import org.scalatest.funsuite.AnyFunSuite

import scala.util.Random

class HyperparametersSuite extends AnyFunSuite {
  private val width = 4 // two factors, a bias, and the 1
  private val stride = Stride.of(width)
  private val pinned = 3
  private val count = 4000
  // Rows of a known distribution: standard deviations 0.5, 1, 2 and means 1, -1, 0.5.
  private val deviation = Array(0.5, 1.0, 2.0)
  private val centre = Array(1.0, -1.0, 0.5)

  private val gramian = {
    val random = new Random(1)
    val out = new Array[Double](stride * stride)
    for (_ <- 0 until count) {
      val x = Array.tabulate(3)(j => centre(j) + deviation(j) * random.nextGaussian()) :+ 1.0
      for (i <- 0 until width; j <- 0 until width) out(i * stride + j) += x(i) * x(j)
    }
    out.map(_.toFloat)
  }

  private def draw(sweep: Int): Prior =
    new Hyperparameters(width, 7).draw(Side.User, pinned, gramian, count.toLong, 2.0, sweep)

  test("draws of the precision and the mean scatter around those of the rows") {
    val draws = (0 until 200).map(draw)
    for (j <- 0 until 3) {
      val p = draws.map(_.precision(j * stride + j).toDouble)
      val expected = 1 / (deviation(j) * deviation(j))
      assert(Math.abs(p.sum / p.length - expected) < 0.1 * expected, s"precision $j")
      // Precision's own relative scatter is sqrt(2 / count).
      val scatter = Math.sqrt(p.map(x => Math.pow(x - p.sum / p.length, 2)).sum / p.length)
      assert(Math.abs(scatter / expected - Math.sqrt(2.0 / count)) < 0.01, s"scatter $j")
    }
    val means = draws.map(_.shift(0) / draws.map(_.precision(0)).sum * draws.length)
    assert(Math.abs(means.sum / means.length - centre(0)) < 0.15)
  }

  test("nothing is said of the pinned factor and the padding; a seed gives one draw") {
    val p = draw(3)
    for (j <- 0 until stride; k <- 0 until stride if j >= 3 || k >= 3)
      assert(p.precision(j * stride + k) == 0f)
    assert(p.shift.drop(3).forall(_ == 0f))
    assert(draw(3).precision.sameElements(p.precision) && draw(3).salt == p.salt)
    assert(!draw(4).precision.sameElements(p.precision) && draw(4).salt != p.salt)
  }

  test("before there are rows, the prior is the standard normal distribution") {
    val p = new Hyperparameters(width, 7).draw(Side.Item, 2, null, 9, 2.0, 0)
    assert((0 until width).map(j => p.precision(j * stride + j)) == Seq(1f, 1f, 0f, 1f))
    assert(p.shift.forall(_ == 0f) && p.noise == 2f)
  }

  test("the noise is drawn around ratings over squared errors") {
    val draws = (0 until 300).map(new Hyperparameters(width, 5).noise(500.0, 2000, _))
    assert(Math.abs(draws.sum / draws.length - 4.0) < 0.05)
  }
}
