package mllibpy.kernel

import mllibpy.kernel.cluster.{Centres, Search}
import mllibpy.kernel.decomposition.{Columns, GramianSum, LeftMap, PowerSum, QrSum}
import mllibpy.kernel.linear._
import org.scalatest.funsuite.AnyFunSuite

import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Path, Paths}
import scala.util.Random

/** Interpreted code gives the bits that compiled code gives. A partition that is lost with its
  * executor is computed again by a JVM that has just begun; the fit must not know.
  */
class BitsSuite extends AnyFunSuite {
  test("kernels give the same bits interpreted and compiled") {
    val interpreted = BitsSuite.run("-Xint", 1)
    val compiled = BitsSuite.run("-XX:TieredStopAtLevel=4", 3000)
    assert(interpreted.nonEmpty)
    for ((one, other) <- interpreted.zip(compiled)) assert(one == other)
    assert(interpreted.length == compiled.length)
  }
}

object BitsSuite {
  private def run(flag: String, times: Int): Seq[String] = {
    val jvm = Paths.get(System.getProperty("java.home"), "bin", "java").toString
    val of: Seq[Class[_]] = Seq(getClass, Arithmetic.getClass, classOf[Option[_]])
    val path = of.map(c => Path.of(c.getProtectionDomain.getCodeSource.getLocation.toURI))
    val command = Seq(jvm, flag, "--add-modules=jdk.incubator.vector", "-cp") ++
      Seq(
        path.distinct.mkString(java.io.File.pathSeparator),
        "mllibpy.kernel.KernelBits",
        s"$times"
      )
    val process = new ProcessBuilder(command: _*).redirectErrorStream(true).start()
    val said = new String(process.getInputStream.readAllBytes(), UTF_8)
    assert(process.waitFor() == 0, said)
    said.linesIterator.filterNot(_.startsWith("WARNING")).toSeq
  }
}

/** What a JVM finds; no suite, so that it starts without the test framework. */
object KernelBits {

  /** Prints a hash of what each kernel gave the last of so many times. */
  def main(args: Array[String]): Unit =
    for ((name, kernel) <- kernels) {
      var found = kernel()
      for (_ <- 1 until args(0).toInt) found = kernel()
      println(
        s"$name ${java.util.Arrays.hashCode(found.map(java.lang.Double.doubleToRawLongBits))}"
      )
    }

  private val (rows, features) = (40, 21)

  private def kernels: Seq[(String, () => Array[Double])] = {
    val blocks = Seq("float64" -> doubles, "float32" -> singles)
    Seq("arithmetic" -> (() => arithmetic)) ++
      (for ((kind, block) <- blocks; (name, kernel) <- sums(block)) yield s"$name, $kind" -> kernel)
  }

  private def numbers(n: Int): Array[Double] = {
    val random = new Random(n)
    Array.fill(n)(5 * random.nextGaussian())
  }

  private def labels = Array.tabulate(rows)(_ % 2.0)

  private def doubles: Examples = {
    val stride = DenseDoubles.padded(features)
    val values = numbers(rows * stride)
    for (i <- values.indices if i % stride >= features) values(i) = 0
    new DenseExamples(features, values, labels, null)
  }

  private def singles: Examples = {
    val stride = DenseFloats.padded(features)
    val values = numbers(rows * stride).map(_.toFloat)
    for (i <- values.indices if i % stride >= features) values(i) = 0
    new FloatExamples(features, values, labels, null)
  }

  private def sums(block: Examples): Seq[(String, () => Array[Double])] = {
    val one = Shape(block.stride, 1)
    val several = Shape(block.stride, 9)
    val w = Columns.tabulate(features, 3)((f, j) => Math.sin(f + 7.0 * j))
    val none = new Array[Double](w.width)
    Seq(
      "a model" -> (() => loss(block, one)),
      "models" -> (() => loss(block, several)),
      "the Hessian" -> (() => {
        val (at, along) = (coefficients(one), numbers(one.length))
        new HessianSum(LogisticLoss, one, at, along).add(block).product
      }),
      "a Newton step" -> (() => {
        val plan = HessianPlan(block.stride, new Array(features), Array.fill(features)(1), true)
        new NewtonSum(LogisticLoss, plan, coefficients(one)).add(block).hessian(plan)
      }),
      "a power step" -> (() => new PowerSum(features, 3, w, none).add(block).product.values),
      "a triangle" -> (() => {
        new QrSum(3, new LeftMap(w, none, Nil)).add(block).triangle.values
      }),
      "the Gramian" -> (() => {
        val sum = new GramianSum(features, null).add(block)
        Array.tabulate(features)(sum(_, 0))
      }),
      "the nearest centres" -> (() => nearest(block))
    )
  }

  private def coefficients(shape: Shape) = numbers(shape.length).map(_ / 20)

  private def loss(block: Examples, shape: Shape): Array[Double] = {
    val sum = new LossSum(LogisticLoss, shape, coefficients(shape)).add(block)
    sum.values ++ sum.gradient
  }

  private def nearest(block: Examples): Array[Double] = {
    val centres = numbers(19 * features).grouped(features).toSeq
    val search = Search.of(block)
    search.take(0, rows)
    search.find(Centres(centres, new Array[Double](features), cosine = false), two = true)
    search.best.take(rows) ++ search.second.take(rows)
  }

  private def arithmetic: Array[Double] = {
    val best = Arithmetic.best
    val tile = numbers(rows * 32).map(_.toFloat)
    val a = new Array[Float](32 * 32)
    best.symmetricUpdate(a, 32, tile, 0, rows, add = false)
    for (i <- 0 until 32) a(33 * i) += 1
    val update = a.clone()
    best.cholesky(a, 32)
    val b = tile.take(32)
    best.solve(a, 32, b)
    (update ++ a ++ b :+ best.dot(tile, 0, tile, 40, 64)).map(_.toDouble)
  }
}
