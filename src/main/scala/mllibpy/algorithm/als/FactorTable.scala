package mllibpy.algorithm.als

import mllibpy.engine.{IdSpace, KeyIndex, TextIds}
import mllibpy.kernel.{Scramble, Stride}

/** A side's factors at the end of a fit: rows in the order of the ids, packed.
  *
  * @param keys
  *   one per row
  * @param names
  *   the ids where they are texts, else null
  * @param rows
  *   row r is at r * rank
  */
final class FactorTable(
    val rank: Int,
    val keys: Array[Long],
    val names: Array[String],
    val rows: Array[Float]
) extends Serializable {
  def size: Int = keys.length
  def integerIds: Array[Long] = keys.map(Scramble.unmix)

  @transient private lazy val index: KeyIndex = {
    val out = new KeyIndex(keys.length)
    keys.foreach(out.add)
    out
  }

  /** The row of a key, or -1. */
  def find(key: Long): Int = index.find(key)

  /** The key of an id that may or may not be in the table. */
  def rowOf(id: Long): Int = if (names == null) find(Scramble.mix(id)) else -1

  def rowOf(id: String): Int = {
    val row = if (names == null) -1 else find(TextIds.key(id))
    if (row >= 0 && names(row) == id) row else -1
  }

  /** Some columns of each row, scaled to length 1 (0 stays 0), one row behind the other. */
  def directions(columns: Array[Int]): Array[Float] = {
    val n = columns.length
    val out = new Array[Float](Math.multiplyExact(size, n))
    var r = 0
    while (r < size) {
      var squares = 0.0
      var j = 0
      while (j < n) {
        val x = rows(r * rank + columns(j)).toDouble
        squares += x * x
        j += 1
      }
      val scale = if (squares > 0) 1 / Math.sqrt(squares) else 0.0
      j = 0
      while (j < n) { out(r * n + j) = (rows(r * rank + columns(j)) * scale).toFloat; j += 1 }
      r += 1
    }
    out
  }

  def showId(row: Int): String =
    if (names == null) Scramble.unmix(keys(row)).toString else names(row)
}

object FactorTable {

  /** @param keys
    *   in unsigned order
    * @param padded
    *   factors in that order
    * @return
    *   the table, and for each of `keys` its row in it
    */
  def of(
      space: IdSpace,
      keys: Array[Long],
      padded: Array[Float],
      rank: Int
  ): (FactorTable, Array[Int]) = {
    val names = space match {
      case t: TextIds => keys.map(k => t.name(k).get)
      case _          => null
    }
    val order = if (names == null) byInteger(keys) else byText(names)
    val rowOf = new Array[Int](keys.length)
    val rows = new Array[Float](Math.multiplyExact(keys.length, rank))
    val stride = Stride.of(rank)
    var r = 0
    while (r < order.length) {
      rowOf(order(r)) = r
      System.arraycopy(padded, order(r) * stride, rows, r * rank, rank)
      r += 1
    }
    val table =
      new FactorTable(
        rank,
        order.map(keys(_)),
        if (names == null) null else order.map(names(_)),
        rows
      )
    (table, rowOf)
  }

  private def byText(names: Array[String]): Array[Int] =
    names.indices.toArray.sortBy(names(_))(TextIds.order)

  private def byInteger(keys: Array[Long]): Array[Int] = {
    val ids = keys.map(Scramble.unmix)
    val sorted = ids.clone()
    java.util.Arrays.sort(sorted)
    val order = new Array[Int](keys.length)
    var i = 0
    while (i < ids.length) { order(java.util.Arrays.binarySearch(sorted, ids(i))) = i; i += 1 }
    order
  }
}
