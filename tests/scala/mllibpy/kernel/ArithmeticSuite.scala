package mllibpy.kernel

import com.sun.management.HotSpotDiagnosticMXBean
import org.scalatest.funsuite.AnyFunSuite

import java.lang.management.ManagementFactory
import scala.util.Random

/** One contract for both implementations, held against float64 and each against the other. */
class ArithmeticSuite extends AnyFunSuite {
  test("vectors are no wider than the JVM was told") {
    val avx = ManagementFactory
      .getPlatformMXBean(classOf[HotSpotDiagnosticMXBean])
      .getVMOption("UseAVX")
      .getValue
    if (avx == "2") assert(Arithmetic.best.name == "vector256")
  }

  private val both = Seq(PlainArithmetic, Arithmetic.best).distinct
  private val strides = 16 to 272 by 16
  private val counts = Seq(0, 1, 2, 7, 8, 15, 16, 17, 127, 128, 300)
  // Sums of n float32 products, fused or not, in any order, stay within n of these.
  private val Eps = 1.2e-7

  private def random(n: Int, seed: Int): Array[Float] = {
    val r = new Random(seed)
    Array.fill(n)(r.nextGaussian().toFloat)
  }

  private def close(found: Float, expected: Double, size: Double, n: Int): Boolean =
    Math.abs(found - expected) <= Eps * (n + 2) * size

  test("the vector kernels are the best where the processor has what they need") {
    val flags = ManagementFactory.getPlatformMXBean(classOf[HotSpotDiagnosticMXBean])
    val fused = flags.getVMOption("UseFMA").getValue == "true"
    assert(Arithmetic.best == (if (fused) VectorArithmetic else PlainArithmetic))
    assert(Seq("vector128", "vector256", "vector512").contains(VectorArithmetic.name))
  }

  test("without the vector module the plain loops are the best") {
    // The kernel's classes loaded once more, by a loader that does not know the module.
    val urls = Seq(getClass, Arithmetic.getClass, classOf[Option[_]])
      .map(_.getProtectionDomain.getCodeSource.getLocation)
    val loader = new java.net.URLClassLoader(urls.toArray, ClassLoader.getPlatformClassLoader) {
      override def loadClass(name: String, resolve: Boolean): Class[_] =
        if (name.startsWith("jdk.incubator.")) throw new ClassNotFoundException(name)
        else super.loadClass(name, resolve)
    }
    try {
      val arithmetic = loader.loadClass("mllibpy.kernel.Arithmetic$")
      assert(arithmetic != Arithmetic.getClass)
      val best = arithmetic.getMethod("best").invoke(arithmetic.getField("MODULE$").get(null))
      assert(best.getClass.getMethod("name").invoke(best) == "plain")
    } finally loader.close()
  }

  test("the symmetric update is tile^T tile in float64, for all strides and counts") {
    for (stride <- strides; n <- counts) {
      val offset = stride * (n % 3)
      val tile = random(offset + (n + 1) * stride, seed = stride * 1000 + n)
      val before = random(stride * stride, seed = n)
      val sum = new Array[Double](stride * stride)
      val size = new Array[Double](stride * stride)
      for (r <- 0 until n) {
        val at = offset + r * stride
        var i = 0
        while (i < stride) {
          var j = i
          while (j < stride) {
            val p = tile(at + i).toDouble * tile(at + j)
            sum(i * stride + j) += p
            size(i * stride + j) += Math.abs(p)
            j += 1
          }
          i += 1
        }
      }
      for (arithmetic <- both; add <- Seq(false, true)) {
        val a = before.clone
        arithmetic.symmetricUpdate(a, stride, tile, offset, n, add)
        var i = 0
        while (i < stride) {
          var j = i
          while (j < stride) {
            val p = i * stride + j
            val old = if (add) before(p).toDouble else 0.0
            if (!close(a(p), sum(p) + old, size(p) + Math.abs(old), n))
              fail(s"${arithmetic.name}, stride $stride, n $n, add $add: ($i, $j) is ${a(p)}")
            j += 1
          }
          i += 1
        }
      }
    }
  }

  /** Part of the row of an entry, from `offset`. */
  private def part(fixed: Array[Float], at: Int, width: Int): Array[Double] =
    fixed.slice(at, at + width).map(_.toDouble)

  test("gather of some columns: the tile and the sum are theirs alone; without a tile, the sum") {
    for (stride <- Seq(16, 64, 80, 256); offset <- 0 until stride by 16; n <- Seq(0, 1, 5, 33)) {
      val width = Math.min(48, stride - offset)
      val fixed = random(stride * 20, seed = stride)
      val columns = Array.tabulate(n)(i => (i * 7) % 20)
      val (scale, target) = (random(n, 1), random(n, 2))
      for (arithmetic <- both; tiled <- Seq(true, false)) {
        val tile = if (tiled) new Array[Float](n * width + 1) else new Array[Float](0)
        val rhs = new Array[Float](width)
        arithmetic
          .gather(fixed, stride, offset, width, columns, 0, n, scale, target, tile, rhs)
        val rows = columns.map(c => part(fixed, c * stride + offset, width))
        for (j <- 0 until width) {
          val terms = rows.indices.map(r => target(r) * rows(r)(j))
          assert(close(rhs(j), terms.sum, terms.map(Math.abs).sum, n))
          if (tiled)
            for (r <- rows.indices) assert(tile(r * width + j) == scale(r) * rows(r)(j).toFloat)
        }
        if (tiled) assert(tile.last == 0f)
      }
    }
  }

  test("product is the sum of w (y.v) y, dots are y.v, combine is v^T g") {
    for (stride <- strides; n <- Seq(0, 1, 3, 4, 5, 8, 130)) {
      val fixed = random(stride * 40, seed = stride)
      val columns = Array.tabulate(n)(i => (i * 7 + n) % 40)
      val v = random(stride, seed = n)
      val weight = random(n, seed = n + 5).map(Math.abs)
      val start = random(stride, seed = n + 3)
      val rows = columns.map(c => part(fixed, c * stride, stride))
      val w = v.map(_.toDouble)
      def size(y: Array[Double]) = y.indices.map(j => Math.abs(y(j) * w(j))).sum
      for (arithmetic <- both; weighted <- Seq(false, true)) {
        val out = start.clone
        val weights = if (weighted) weight else null
        arithmetic.product(fixed, stride, columns, n, weights, v, out)
        for (j <- 0 until stride) {
          val s = rows.indices.map(e => (if (weighted) weight(e) else 1f) * Dense.dot(rows(e), w))
          val terms = rows.indices.map(e => s(e) * rows(e)(j))
          val most = rows.indices.map(e => size(rows(e)) * Math.abs(rows(e)(j)) * 5).sum
          assert(close(out(j), start(j) + terms.sum, Math.abs(start(j)) + most, n + stride))
        }
      }
      for (arithmetic <- both; add <- Seq(false, true); offset <- Seq(0, stride - 16)) {
        val width = stride - offset
        val out = Array.fill(n + 1)(3f)
        arithmetic.dots(fixed, stride, offset, width, columns, n, v, 0, out, add)
        for (e <- 0 until n) {
          val y = part(fixed, columns(e) * stride + offset, width)
          val exact = y.indices.map(j => y(j) * w(j)).sum + (if (add) 3 else 0)
          assert(close(out(e), exact, size(y) + 3, width))
        }
        assert(out(n) == 3f)
      }
      for (arithmetic <- both) {
        val (from, until) = (2, Math.min(stride, 2 + n))
        val g = random(stride * stride, seed = n + 9)
        val out = start.clone
        arithmetic.combine(g, stride, from, until, v, -1, out)
        for (j <- 0 until stride) {
          val terms = (from until until).map(i => w(i - 1) * g(i * stride + j))
          val all = Math.abs(start(j)) + terms.map(Math.abs).sum
          assert(close(out(j), start(j) + terms.sum, all, n))
        }
      }
    }
  }

  test("scores are the products of eight users and the items of a panel") {
    val items = Arithmetic.PanelItems
    for (rank <- Seq(1, 5, 16, 64, 100)) {
      val stride = Stride.of(rank)
      val x = random((Arithmetic.PanelUsers + 1) * stride, seed = rank)
      val panel = random(10 + rank * items, seed = rank + 1)
      for (arithmetic <- both) {
        val out = new Array[Float](Arithmetic.PanelUsers * items)
        arithmetic.scores(x, stride, stride, rank, panel, 10, out)
        for (u <- 0 until Arithmetic.PanelUsers; i <- 0 until items) {
          val terms =
            (0 until rank).map(j => x((u + 1) * stride + j).toDouble * panel(10 + j * items + i))
          assert(close(out(u * items + i), terms.sum, terms.map(Math.abs).sum, rank))
        }
      }
    }
  }

  test("gather copies rows, scaled or not, adds them up, and touches nothing else") {
    for (stride <- strides; n <- counts; scaled <- Seq(false, true)) {
      val fixed = random(stride * 40, seed = stride)
      val from = 3
      val columns = Array.tabulate(from + n)(i => (i * 7 + n) % 40)
      val scale = if (scaled) random(from + n, seed = n + 1) else null
      val target = random(from + n, seed = n + 2)
      val start = random(stride, seed = n + 3)
      for (arithmetic <- both) {
        val tile = Array.fill((n + 1) * stride)(-77f)
        val rhs = start.clone
        arithmetic.gather(fixed, stride, 0, stride, columns, from, n, scale, target, tile, rhs)
        val name = s"${arithmetic.name}, stride $stride, n $n, scaled $scaled"
        for (j <- 0 until stride) {
          var sum = start(j).toDouble
          var size = Math.abs(sum)
          for (r <- 0 until n) {
            val y = fixed(columns(from + r) * stride + j)
            val copied = if (scaled) scale(from + r) * y else y
            if (tile(r * stride + j) != copied) fail(s"$name: tile row $r, place $j")
            sum += target(from + r).toDouble * y
            size += Math.abs(target(from + r).toDouble * y)
          }
          if (!close(rhs(j), sum, size, n)) fail(s"$name: sum at $j is ${rhs(j)}, not $sum")
          if (tile(n * stride + j) != -77f) fail(s"$name: wrote beyond the tile")
        }
      }
    }
  }

  test("dot is the sum in float64, from any place, for any length") {
    for (n <- 0 to 300; from <- Seq(0, 1, 17)) {
      val x = random(from + n, seed = n)
      val y = random(n + 5, seed = n + 1)
      val products = (0 until n).map(i => x(from + i).toDouble * y(5 + i))
      for (arithmetic <- both)
        assert(
          close(arithmetic.dot(x, from, y, 5, n), products.sum, products.map(Math.abs).sum, n),
          s"${arithmetic.name}, n $n"
        )
    }
  }

  /** A positive definite matrix; the lower triangle is NaN, since nobody may read it. */
  private def definite(stride: Int, seed: Int): Array[Float] = {
    val a = new Array[Float](stride * stride)
    PlainArithmetic.symmetricUpdate(
      a,
      stride,
      random(stride * 2 * stride, seed),
      0,
      2 * stride,
      add = false
    )
    for (i <- 0 until stride; j <- 0 until i) a(i * stride + j) = Float.NaN
    a
  }

  private def symmetric(a: Array[Float], stride: Int): Dense.Matrix =
    Array.tabulate(stride, stride)((i, j) => a(Math.min(i, j) * stride + Math.max(i, j)).toDouble)

  test("cholesky gives R with R^T R = A, and solve the x with A x = b") {
    for (stride <- strides; arithmetic <- both) {
      val a = definite(stride, seed = stride)
      val r = a.clone
      assert(arithmetic.cholesky(r, stride), s"${arithmetic.name}, stride $stride")
      val full = symmetric(a, stride)
      val scale = full.indices.map(i => full(i)(i)).max
      var worst = 0.0
      for (i <- 0 until stride; j <- i until stride) {
        var sum = 0.0
        var o = 0
        while (o <= i) { sum += r(o * stride + i).toDouble * r(o * stride + j); o += 1 }
        worst = Math.max(worst, Math.abs(sum - full(i)(j)) / scale)
      }
      assert(worst < 4e-6, s"${arithmetic.name}, stride $stride: R^T R - A")

      val b = random(stride, seed = 5)
      val x = b.clone
      arithmetic.solve(r, stride, x)
      val left = Dense.times(full, x.map(_.toDouble))
      val largest = x.map(v => Math.abs(v.toDouble)).max
      val residual = left.indices.map(i => Math.abs(left(i) - b(i))).max
      assert(
        residual < 2e-6 * stride * scale * largest,
        s"${arithmetic.name}, stride $stride: A x - b"
      )
      val exact = Dense.solve(full, b.map(_.toDouble))
      val error = exact.indices.map(i => Math.abs(exact(i) - x(i))).max
      assert(error < 1e-3 * exact.map(Math.abs).max, s"${arithmetic.name}, stride $stride: x")
    }
  }

  test("a matrix that is not positive definite has no factor") {
    for (stride <- Seq(16, 32, 48, 112); arithmetic <- both) {
      def spoilt(change: Array[Float] => Unit) = {
        val a = definite(stride, seed = stride)
        change(a)
        arithmetic.cholesky(a, stride)
      }
      val zero = new Array[Float](stride * stride)
      assert(!arithmetic.cholesky(zero, stride), "zero")
      assert(!arithmetic.cholesky(Array.fill(stride * stride)(1f), stride), "all ones")
      for (i <- Seq(0, 1, 7, 8, 9, stride - 1)) {
        assert(!spoilt(a => a(i * stride + i) = -1f), s"${arithmetic.name}: negative at $i")
        assert(!spoilt(a => a(i * stride + i) = Float.NaN), s"${arithmetic.name}: NaN at $i")
        val row = spoilt { a =>
          for (j <- i until stride) a(i * stride + j) = 0
          for (j <- 0 until i) a(j * stride + i) = 0
        }
        assert(!row, s"${arithmetic.name}: zero row $i")
      }
      // Row i twice: integers, so that the second pivot is zero without rounding.
      val twice = Array.tabulate(stride * stride) { p =>
        val (i, j) = (p / stride, p % stride)
        if (i == j || (i < 2 && j < 2)) 4f else 0f
      }
      assert(!arithmetic.cholesky(twice, stride), s"${arithmetic.name}: a row twice")
    }
  }
}
