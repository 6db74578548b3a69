package mllibpy.kernel.decomposition

import mllibpy.kernel.Tiles
import mllibpy.kernel.linear.{DenseExamples, Examples, FloatExamples, SparseExamples}

/** A block's rows times few columns, and transposed times as many. Not thread safe: it owns its
  * scratch space.
  */
private[decomposition] abstract class RowProducts {

  /** Rows that stay in a second-level cache between a product and the transposed one. */
  def tile: Int

  /** `out(r * width + j)` = row from + r times column j of w, n rows. */
  def times(from: Int, n: Int, w: Columns, out: Array[Double]): Unit

  /** `sums(f, j) += sum of x_rf y(r * width + j)` over n rows, `width` as that of the sums. */
  def addTransposed(from: Int, n: Int, y: Array[Double], sums: Columns): Unit
}

private[decomposition] object RowProducts {
  private final val TileBytes = 1 << 20

  def of(block: Examples, tiles: Tiles): RowProducts = block match {
    case dense: DenseExamples   => new DenseProducts(dense, tiles)
    case floats: FloatExamples  => new FloatProducts(floats, tiles)
    case sparse: SparseExamples => new SparseProducts(sparse, tiles)
    case other                  => throw unknown(other)
  }

  def unknown(block: Examples): Throwable =
    new IllegalArgumentException(s"no products are known of ${block.getClass.getSimpleName}")

  private[decomposition] def rows(bytes: Int): Int =
    Math.max(16, Math.min(256, TileBytes / bytes) / 8 * 8)
}

private final class DenseProducts(block: DenseExamples, tiles: Tiles) extends RowProducts {
  private val stride = block.stride
  def tile: Int = RowProducts.rows(8 * stride)

  def times(from: Int, n: Int, w: Columns, out: Array[Double]): Unit = {
    java.util.Arrays.fill(out, 0, n * w.width, 0.0)
    tiles.multiply(
      block.values,
      from * stride,
      stride,
      1,
      n,
      block.features,
      w.values,
      0,
      w.width,
      w.width,
      out,
      0,
      w.width
    )
  }

  def addTransposed(from: Int, n: Int, y: Array[Double], sums: Columns): Unit =
    tiles.multiply(
      block.values,
      from * stride,
      1,
      stride,
      block.features,
      n,
      y,
      0,
      sums.width,
      sums.width,
      sums.values,
      0,
      sums.width
    )
}

private final class SparseProducts(block: SparseExamples, tiles: Tiles) extends RowProducts {
  def tile: Int = 256

  def times(from: Int, n: Int, w: Columns, out: Array[Double]): Unit = {
    java.util.Arrays.fill(out, 0, n * w.width, 0.0)
    var r = 0
    while (r < n) {
      val (e, end) = (block.start(from + r), block.start(from + r + 1))
      tiles.gather(block.columns, block.values, e, end, w.values, w.width, out, r * w.width)
      r += 1
    }
  }

  def addTransposed(from: Int, n: Int, y: Array[Double], sums: Columns): Unit = {
    var r = 0
    while (r < n) {
      val (e, end) = (block.start(from + r), block.start(from + r + 1))
      tiles.scatter(
        block.columns,
        block.values,
        e,
        end,
        y,
        r * sums.width,
        sums.width,
        sums.values
      )
      r += 1
    }
  }
}

/** In float32, as the rows are; sums over tiles are added up in float64. */
private final class FloatProducts(block: FloatExamples, tiles: Tiles) extends RowProducts {
  private val stride = block.stride
  val tile: Int = RowProducts.rows(4 * stride)
  private var y = new Array[Float](0)
  private var part = new Array[Float](0)

  private def across(columns: Columns): Int = Tiles.paddedFloats(columns.columns)

  def times(from: Int, n: Int, w: Columns, out: Array[Double]): Unit = {
    val width = across(w)
    if (y.length < tile * width) y = new Array[Float](tile * width)
    java.util.Arrays.fill(y, 0, n * width, 0f)
    tiles.multiply(
      block.values,
      from * stride,
      stride,
      1,
      n,
      block.features,
      w.floats,
      0,
      width,
      width,
      y,
      0,
      width
    )
    copy(y, width, out, w.width, n)
  }

  private def copy(from: Array[Float], width: Int, to: Array[Double], w: Int, n: Int): Unit = {
    var r = 0
    while (r < n) {
      var j = 0
      while (j < w) { to(r * w + j) = from(r * width + j); j += 1 }
      r += 1
    }
  }

  def addTransposed(from: Int, n: Int, of: Array[Double], sums: Columns): Unit = {
    val (width, w) = (across(sums), sums.width)
    if (y.length < tile * width) y = new Array[Float](tile * width)
    java.util.Arrays.fill(y, 0, n * width, 0f)
    var r = 0
    while (r < n) {
      var j = 0
      while (j < w) { y(r * width + j) = of(r * w + j).toFloat; j += 1 }
      r += 1
    }
    if (part.length < sums.rows * width) part = new Array[Float](sums.rows * width)
    java.util.Arrays.fill(part, 0, sums.rows * width, 0f)
    tiles.multiply(
      block.values,
      from * stride,
      1,
      stride,
      block.features,
      n,
      y,
      0,
      width,
      width,
      part,
      0,
      width
    )
    var f = 0
    while (f < sums.rows) {
      var j = 0
      while (j < w) { sums.values(f * w + j) += part(f * width + j); j += 1 }
      f += 1
    }
  }
}
