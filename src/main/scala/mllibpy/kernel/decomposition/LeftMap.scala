package mllibpy.kernel.decomposition

import mllibpy.kernel.Tiles

/** How rows x of the data become rows of the left singular vectors, or of what these are made from:
  * y = x V - shift, u = y times the steps, one after the other, each rounded. Who makes them again
  * gets the same numbers, so that they are as orthonormal as when they were measured.
  *
  * @param v
  *   by feature
  * @param shift
  *   the means times V; null where rows are not centred
  */
final class LeftMap(val v: Columns, val shift: Array[Double], val steps: Seq[Columns])
    extends Serializable {
  def columns: Int = steps.lastOption.getOrElse(v).columns

  /** With a step more. */
  def andThen(step: Columns): LeftMap = new LeftMap(v, shift, steps :+ step)
}

/** Some rows made by a map, a tile at a time.
  *
  * @param tile
  *   rows at most
  */
private[decomposition] final class LeftRows(map: LeftMap, tile: Int, tiles: Tiles) {
  private val buffers =
    (map.v.width +: map.steps.map(_.width)).map(w => new Array[Double](tile * w)).toArray

  /** x V - shift, and the left rows. */
  val products: Array[Double] = buffers.head
  val left: Array[Double] = buffers.last

  def load(of: RowProducts, from: Int, n: Int): Unit = {
    of.times(from, n, map.v, products)
    SmallRows.shift(products, n, map.v.width, map.shift)
    for ((step, s) <- map.steps.zipWithIndex) {
      val (in, out) = (buffers(s), buffers(s + 1))
      java.util.Arrays.fill(out, 0, n * step.width, 0.0)
      val across = in.length / tile
      tiles.multiply(
        in,
        0,
        across,
        1,
        n,
        step.rows,
        step.values,
        0,
        step.width,
        step.width,
        out,
        0,
        step.width
      )
    }
  }
}

object LeftMap {

  /** The rows of a block, `map.columns` numbers to each. */
  def rows(
      block: mllibpy.kernel.linear.Examples,
      map: LeftMap,
      tiles: Tiles = Tiles.best
  ): Array[Double] = {
    val products = RowProducts.of(block, tiles)
    val scratch = new LeftRows(map, products.tile, tiles)
    val columns = map.columns
    val width = Tiles.padded(columns)
    val out = new Array[Double](Math.multiplyExact(block.rows, columns))
    var from = 0
    while (from < block.rows) {
      val n = Math.min(products.tile, block.rows - from)
      scratch.load(products, from, n)
      for (r <- 0 until n)
        System.arraycopy(scratch.left, r * width, out, (from + r) * columns, columns)
      from += n
    }
    out
  }
}
