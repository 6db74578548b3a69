package mllibpy.kernel

/** The one product that decompositions and Newton steps are made of, in float64 and float32: a tile
  * of few columns gains the product of two others.
  *
  * [[VectorTiles]] is the implementation on the JDK's Vector API, [[PlainTiles]] the one in plain
  * loops that runs where the module is missing and that tests hold the first one against.
  */
abstract class Tiles extends Serializable {

  /** `c(cAt + i * across + j) += sum over e < n of a(at + i * row + e * step) b(bAt + e * down + j)`
    * for i < rows and j < columns.
    *
    * With row = the stride of a, and step = 1, that is a product with a; with row = 1 and step =
    * its stride, one with its transpose. An element's sum is in the order of e, whatever stands
    * beside it.
    *
    * @param columns
    *   a multiple of [[Tiles.Doubles]]
    */
  def multiply(
      a: Array[Double],
      at: Int,
      row: Int,
      step: Int,
      rows: Int,
      n: Int,
      b: Array[Double],
      bAt: Int,
      down: Int,
      columns: Int,
      c: Array[Double],
      cAt: Int,
      across: Int
  ): Unit

  /** The same in float32; `columns` is a multiple of [[Tiles.Floats]]. */
  def multiply(
      a: Array[Float],
      at: Int,
      row: Int,
      step: Int,
      rows: Int,
      n: Int,
      b: Array[Float],
      bAt: Int,
      down: Int,
      columns: Int,
      c: Array[Float],
      cAt: Int,
      across: Int
  ): Unit

  /** `y(yAt + j) += sum over e of values(e) w(columns(e) * width + j)` for j < width: a sparse row,
    * entries from until end, times w. `width` is a multiple of [[Tiles.Doubles]].
    */
  def gather(
      columns: Array[Int],
      values: Array[Double],
      from: Int,
      end: Int,
      w: Array[Double],
      width: Int,
      y: Array[Double],
      yAt: Int
  ): Unit

  /** `sums(columns(e) * width + j) += values(e) y(yAt + j)`: such a row transposed, times y. */
  def scatter(
      columns: Array[Int],
      values: Array[Double],
      from: Int,
      end: Int,
      y: Array[Double],
      yAt: Int,
      width: Int,
      sums: Array[Double]
  ): Unit
}

object Tiles {

  /** What numbers of columns are multiples of: a 512-bit vector's numbers. */
  final val Doubles = 8
  final val Floats = 16

  def padded(columns: Int): Int = (columns + Doubles - 1) / Doubles * Doubles
  def paddedFloats(columns: Int): Int = (columns + Floats - 1) / Floats * Floats

  /** By vectors where the JVM has them. */
  lazy val best: Tiles =
    try if (VectorTiles.works) VectorTiles else PlainTiles
    catch { case _: LinkageError => PlainTiles }
}
