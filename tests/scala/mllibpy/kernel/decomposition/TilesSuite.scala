package mllibpy.kernel.decomposition

import mllibpy.kernel.{PlainTiles, Tiles}
import mllibpy.kernel.linear.{DenseExamples, DenseFloats, DenseDoubles, Examples, FloatExamples}
import mllibpy.kernel.linear.SparseExamples
import org.scalatest.funsuite.AnyFunSuite

import scala.util.Random

/** The kernels of decompositions: by vectors as in plain loops, and sums by their definition. */
class TilesSuite extends AnyFunSuite {
  private val random = new Random(1)
  private def doubles(n: Int) = Array.fill(n)(random.nextGaussian())
  private def close(a: Double, b: Double, share: Double = 1e-12) =
    Math.abs(a - b) <= share * (1 + Math.abs(b))

  for (
    (rows, n, columns) <- Seq(
      (1, 1, 8),
      (7, 5, 16),
      (8, 33, 24),
      (13, 9, 24),
      (19, 64, 40),
      (40, 3, 8)
    )
  )
    test(s"products: $rows rows, $n terms, $columns columns") {
      val stride = n + 3
      val (a, b, c) =
        (doubles(5 + rows * stride), doubles(2 + n * columns), doubles(rows * columns))
      val found = Seq(Tiles.best, PlainTiles).map { tiles =>
        val out = c.clone()
        tiles.multiply(a, 5, stride, 1, rows, n, b, 2, columns, columns, out, 0, columns)
        out
      }
      for (i <- 0 until rows; j <- 0 until columns) {
        val right = c(i * columns + j) +
          (0 until n).map(e => a(5 + i * stride + e) * b(2 + e * columns + j)).sum
        for (f <- found) assert(close(f(i * columns + j), right))
      }
      // The transposed product, and both in float32.
      val t = doubles(n * rows)
      val transposed = Seq(Tiles.best, PlainTiles).map { tiles =>
        val out = new Array[Double](rows * columns)
        tiles.multiply(t, 0, 1, rows, rows, n, b, 2, columns, columns, out, 0, columns)
        out
      }
      assert(transposed.head.zip(transposed(1)).forall { case (x, y) => close(x, y) })
      val wide = Tiles.paddedFloats(columns)
      val (fa, fb) = (a.map(_.toFloat), doubles(n * wide).map(_.toFloat))
      val floats = Seq(Tiles.best, PlainTiles).map { tiles =>
        val out = new Array[Float](rows * wide)
        tiles.multiply(fa, 5, stride, 1, rows, n, fb, 0, wide, wide, out, 0, wide)
        out
      }
      assert(floats.head.zip(floats(1)).forall { case (x, y) => close(x, y, 1e-4) })
    }

  for (width <- Seq(8, 16, 24))
    test(s"sparse rows there and back, $width columns") {
      val (columns, values) = (Array(1, 4, 5, 9), doubles(4))
      val (w, y) = (doubles(10 * width), doubles(2 * width))
      val out = Seq(Tiles.best, PlainTiles).map { tiles =>
        val (to, sums) = (y.clone(), w.clone())
        tiles.gather(columns, values, 1, 4, w, width, to, width)
        tiles.scatter(columns, values, 0, 3, y, 0, width, sums)
        to ++ sums
      }
      assert(out.head.zip(out(1)).forall { case (a, b) => close(a, b) })
      val right = y(width) + (1 until 4).map(e => values(e) * w(columns(e) * width)).sum
      assert(close(out.head(width), right))
    }

  private final class Data(val rows: Int, val features: Int) {
    val x: Array[Array[Double]] =
      Array.fill(rows, features)(if (random.nextInt(3) == 0) 0.0 else random.nextGaussian())
    private val labels = new Array[Double](rows)

    def dense: Examples = {
      val stride = DenseDoubles.padded(features)
      val values = new Array[Double](rows * stride)
      for (r <- 0 until rows; f <- 0 until features) values(r * stride + f) = x(r)(f)
      new DenseExamples(features, values, labels, null)
    }

    def single: Examples = {
      val stride = DenseFloats.padded(features)
      val values = new Array[Float](rows * stride)
      for (r <- 0 until rows; f <- 0 until features) values(r * stride + f) = x(r)(f).toFloat
      new FloatExamples(features, values, labels, null)
    }

    def sparse: Examples = {
      val shown = x.map(_.zipWithIndex.filter(_._1 != 0))
      new SparseExamples(
        features,
        shown.scanLeft(0)(_ + _.length),
        shown.flatMap(_.map(_._2)),
        shown.flatMap(_.map(_._1)),
        labels,
        null
      )
    }

    def blocks: Seq[(Examples, Double)] = Seq((dense, 1e-12), (single, 1e-5), (sparse, 1e-12))
  }

  for (
    (rows, features) <- Seq((1, 1), (9, 5), (300, 17), (700, 40));
    tiles <- Seq(PlainTiles, Tiles.best)
  )
    test(s"$rows rows of $features: the Gramian, power steps and triangles, ${tiles.getClass}") {
      val d = new Data(rows, features)
      val k = Math.min(3, features)
      val w = Columns.tabulate(features, k)((_, _) => random.nextGaussian())
      val means = doubles(features)
      val shift = new Array[Double](w.width)
      for (f <- 0 until features; j <- 0 until k) shift(j) += means(f) * w(f, j)
      def gram(centre: Array[Double])(f: Int, g: Int) =
        d.x.map(r => (r(f) - centre(f)) * (r(g) - centre(g))).sum
      def left(r: Array[Double])(j: Int) =
        (0 until features).map(f => (r(f) - means(f)) * w(f, j)).sum
      for ((block, share) <- d.blocks) {
        val none = new Array[Double](features)
        val sum = new GramianSum(features, null, tiles).add(block)
        for (f <- 0 until features; g <- 0 until features)
          assert(close(sum(f, g), gram(none)(f, g), share * rows))
        if (!block.isInstanceOf[SparseExamples]) {
          val centred = new GramianSum(features, means, tiles).add(block)
          for (f <- 0 until features)
            assert(close(centred(f, 0), gram(means)(f, 0), share * rows))
        }
        val power = new PowerSum(features, k, w, shift, tiles).add(block)
        for (f <- 0 until features; j <- 0 until k)
          assert(close(power.product(f, j), d.x.map(r => r(f) * left(r)(j)).sum, share * rows))
        for (j <- 0 until k) assert(close(power.ones(j), d.x.map(left(_)(j)).sum, share * rows))
        val map = new LeftMap(w, shift, Nil)
        val triangle = new QrSum(k, map, tiles).add(block).triangle
        val half = new QrSum(k, map, tiles).merge(new QrSum(k, map, tiles).add(block)).triangle
        for (i <- 0 until k; j <- 0 until k) {
          val right = d.x.map(r => left(r)(i) * left(r)(j)).sum
          for (t <- Seq(triangle, half)) {
            assert(close((0 until k).map(e => t(e, i) * t(e, j)).sum, right, share * rows))
            assert(j >= i || t(i, j) == 0)
          }
        }
      }
    }

  test("left rows are the same, bit for bit, in whatever company") {
    val d = new Data(50, 20)
    val v = Columns.tabulate(20, 4)((_, _) => random.nextGaussian())
    val step = Columns.tabulate(4, 4)((_, _) => random.nextGaussian())
    val map = new LeftMap(v, null, Seq(step, step))
    val together = LeftMap.rows(d.dense, map)
    for (r <- 0 until 50) {
      val alone = new Data(1, 20)
      System.arraycopy(d.x(r), 0, alone.x(0), 0, 20)
      assert(LeftMap.rows(alone.dense, map).toSeq == together.slice(4 * r, 4 * r + 4).toSeq)
    }
  }
}
