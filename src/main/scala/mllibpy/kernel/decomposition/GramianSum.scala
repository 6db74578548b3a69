package mllibpy.kernel.decomposition

import mllibpy.kernel.linear.{DenseExamples, Examples, SparseExamples}

/** The symmetric matrix `A^T A`, one pass. Rows of dense blocks are packed into panels of
  * [[GramianSum.Panel]] columns, so that a pair of panels stays in the caches nearest to the core;
  * they are centred on the way. Those of sparse ones are not, for they would be dense: the driver
  * takes the means' share from their sum.
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

  private val panels = (features + Panel - 1) / Panel

  /** Numbers to a row of the sums. */
  val stride: Int = panels * Panel
  private val sums = new Array[Double](Math.multiplyExact(stride, stride))
  var rows = 0L

  def apply(f: Int, g: Int): Double = sums(Math.min(f, g) * stride + Math.max(f, g))

  def add(block: Examples): this.type = {
    block match {
      case dense: DenseExamples   => addDense(dense)
      case sparse: SparseExamples => addSparse(sparse)
      case other                  => throw RowProducts.unknown(other)
    }
    rows += block.rows
    this
  }

  private def addDense(block: DenseExamples): Unit = {
    val packed = new Array[Double](Tile * stride)
    var from = 0
    while (from < block.rows) {
      val n = Math.min(Tile, block.rows - from)
      pack(block, from, n, packed)
      for (q <- 0 until panels; p <- 0 to q)
        tiles.multiply(
          packed,
          p * Tile * Panel,
          1,
          Panel,
          Panel,
          n,
          packed,
          q * Tile * Panel,
          Panel,
          Panel,
          sums,
          p * Panel * stride + q * Panel,
          stride
        )
      from += n
    }
  }

  /** Panel p holds its columns of n rows from p * Tile * Panel on. */
  private def pack(block: DenseExamples, from: Int, n: Int, packed: Array[Double]): Unit = {
    var r = 0
    while (r < n) {
      val at = (from + r) * block.stride
      var p = 0
      while (p < panels) {
        val to = p * Tile * Panel + r * Panel
        val width = Math.min(Panel, features - p * Panel)
        if (means == null) System.arraycopy(block.values, at + p * Panel, packed, to, width)
        else {
          var j = 0
          while (j < width) {
            packed(to + j) = block.values(at + p * Panel + j) - means(p * Panel + j)
            j += 1
          }
        }
        p += 1
      }
      r += 1
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
  // Columns to a panel and rows to a tile: a panel of float64 is 32 KB.
  private final val Panel = 16
  private final val Tile = 256

  /** Bytes of such a sum. */
  def bytes(features: Int): Long = {
    val stride = (features + Panel - 1L) / Panel * Panel
    8 * stride * stride
  }
}
