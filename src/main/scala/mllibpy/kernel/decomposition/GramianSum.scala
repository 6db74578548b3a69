package mllibpy.kernel.decomposition

import mllibpy.kernel.{Panels, Tiles}
import mllibpy.kernel.linear.{DenseExamples, Examples, FloatExamples, SparseExamples}

/** The symmetric matrix `A^T A`, one pass. Rows of dense blocks are packed into [[Panels]], centred
  * on the way. Those of sparse ones are not, for they would be dense: the driver takes the means'
  * share from their sum.
  *
  * @param means
  *   IN that dense rows are centred by; null for none
  */
final class GramianSum(
    features: Int,
    @transient private val means: Array[Double],
    @transient private val tiles: Tiles = Tiles.best
) extends Serializable {
  import GramianSum.{Panel, Tile}

  @transient private lazy val packed = new Panels(features, tiles)

  /** Numbers to a row of the sums. */
  val stride: Int = Panels.stride(features)
  private val sums = new Array[Double](Math.multiplyExact(stride, stride))
  var rows = 0L

  def apply(f: Int, g: Int): Double = sums(Math.min(f, g) * stride + Math.max(f, g))

  def add(block: Examples): this.type = {
    block match {
      case dense: DenseExamples   => addDense(dense)
      case floats: FloatExamples  => addFloats(floats)
      case sparse: SparseExamples => addSparse(sparse)
      case other                  => throw RowProducts.unknown(other)
    }
    rows += block.rows
    this
  }

  private def addDense(block: DenseExamples): Unit = {
    var from = 0
    while (from < block.rows) {
      val n = Math.min(Tile, block.rows - from)
      pack(block, from, n)
      packed.addTo(sums, n)
      from += n
    }
  }

  private def pack(block: DenseExamples, from: Int, n: Int): Unit = {
    val x = new Array[Double](features)
    var r = 0
    while (r < n) {
      val at = (from + r) * block.stride
      if (means == null) packed.set(r, block.values, at)
      else {
        var f = 0
        while (f < features) { x(f) = block.values(at + f) - means(f); f += 1 }
        packed.set(r, x, 0)
      }
      r += 1
    }
  }

  /** In float32, a tile's sums added up in float64. */
  private def addFloats(block: FloatExamples): Unit = {
    val wide = 2 * Panel
    val count = (features + wide - 1) / wide
    val packed = new Array[Float](Tile * wide * count)
    val part = new Array[Float](wide * wide)
    var from = 0
    while (from < block.rows) {
      val n = Math.min(Tile, block.rows - from)
      packFloats(block, from, n, packed, count)
      for (q <- 0 until count; p <- 0 to q) {
        java.util.Arrays.fill(part, 0f)
        val (a, b) = (p * Tile * wide, q * Tile * wide)
        tiles.multiply(packed, a, 1, wide, wide, n, packed, b, wide, wide, part, 0, wide)
        addPart(part, p * wide, q * wide)
      }
      from += n
    }
  }

  private def packFloats(
      block: FloatExamples,
      from: Int,
      n: Int,
      packed: Array[Float],
      count: Int
  ): Unit = {
    val wide = 2 * Panel
    var r = 0
    while (r < n) {
      val at = (from + r) * block.stride
      var p = 0
      while (p < count) {
        val to = p * Tile * wide + r * wide
        val width = Math.min(wide, features - p * wide)
        if (means == null) System.arraycopy(block.values, at + p * wide, packed, to, width)
        else {
          var j = 0
          while (j < width) {
            packed(to + j) = (block.values(at + p * wide + j) - means(p * wide + j)).toFloat
            j += 1
          }
        }
        p += 1
      }
      r += 1
    }
  }

  private def addPart(part: Array[Float], row: Int, column: Int): Unit = {
    val (rows, columns) =
      (Math.min(2 * Panel, stride - row), Math.min(2 * Panel, stride - column))
    var i = 0
    while (i < rows) {
      val (from, to) = (i * 2 * Panel, (row + i) * stride + column)
      var j = 0
      while (j < columns) { sums(to + j) += part(from + j); j += 1 }
      i += 1
    }
  }

  private def addSparse(block: SparseExamples): Unit = {
    var r = 0
    while (r < block.rows) {
      val end = block.start(r + 1)
      var e = block.start(r)
      while (e < end) {
        val at = block.columns(e) * stride
        val by = block.values(e)
        var f = e
        while (f < end) { sums(at + block.columns(f)) += by * block.values(f); f += 1 }
        e += 1
      }
      r += 1
    }
  }

  def merge(other: GramianSum): this.type = {
    SmallRows.add(other.sums, sums)
    rows += other.rows
    this
  }
}

object GramianSum {
  private final val Panel = Panels.Width
  private final val Tile = Panels.Rows

  /** Bytes of such a sum. */
  def bytes(features: Int): Long = {
    val stride = Panels.stride(features).toLong
    8 * stride * stride
  }
}
