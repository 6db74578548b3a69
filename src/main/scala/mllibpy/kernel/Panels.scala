package mllibpy.kernel

/** Some rows of float64 numbers, packed by panels of columns so that a pair of panels stays in the
  * caches nearest to the core, and the products of their columns.
  */
final class Panels(columns: Int, tiles: Tiles = Tiles.best) {
  import Panels.{Rows, Width}

  private val stride = Panels.stride(columns)
  private val count = stride / Width

  // Panel p holds columns p * Width and on, row by row, from p * Rows * Width on; what stands
  // behind the last column stays 0.
  private val values = new Array[Double](Rows * stride)

  /** Takes a row's numbers, those from `at` on. */
  def set(row: Int, x: Array[Double], at: Int): Unit = {
    var f = 0
    while (f < columns) {
      val to = f * Rows + row * Width
      System.arraycopy(x, at + f, values, to, Math.min(Width, columns - f))
      f += Width
    }
  }

  /** `sums(f * stride + g) += sum of x_f x_g` over the first n rows, for g >= f; what stands below
    * the diagonal is of no use.
    */
  def addTo(sums: Array[Double], n: Int): Unit = {
    var q = 0
    while (q < count) {
      // Of the last panel, columns that are there alone, up to whole vectors.
      val wide = Math.min(Width, Tiles.padded(columns - q * Width))
      var p = 0
      while (p < q) { addPair(p, 0, Width, q, 0, wide, sums, n); p += 1 }
      var f = 0
      while (f < wide) { addPair(q, f, Tiles.Doubles, q, f, wide - f, sums, n); f += Tiles.Doubles }
      q += 1
    }
  }

  /** Some columns of panel p, from f on, by some of panel q, from g on. */
  private def addPair(
      p: Int,
      f: Int,
      rows: Int,
      q: Int,
      g: Int,
      wide: Int,
      sums: Array[Double],
      n: Int
  ): Unit =
    tiles.multiply(
      values,
      p * Rows * Width + f,
      1,
      Width,
      rows,
      n,
      values,
      q * Rows * Width + g,
      Width,
      wide,
      sums,
      (p * Width + f) * stride + q * Width + g,
      stride
    )
}

object Panels {

  /** Numbers to a row of the sums. */
  def stride(columns: Int): Int = (columns + Width - 1) / Width * Width

  /** Columns to a panel, and rows at most: a panel is 32 KB. */
  final val Width = 16
  final val Rows = 256
}
