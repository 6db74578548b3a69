package mllibpy.kernel

/** How far apart rows of factors stand in memory: the rank rounded up to 16 floats, the widest
  * vector in use. It is the same on every machine, so machines with narrower vectors can share a
  * cluster with wider ones. The padding is zero and stays zero.
  */
object Stride {
  final val Lanes = 16

  def of(rank: Int): Int = (rank + Lanes - 1) / Lanes * Lanes

  /** Rows `stride` apart, packed to rows `rank` apart. */
  def pack(padded: Array[Float], rank: Int): Array[Float] = respace(padded, of(rank), rank, rank)

  /** Rows `rank` apart, spread to rows `stride` apart. */
  def pad(packed: Array[Float], rank: Int): Array[Float] = respace(packed, rank, of(rank), rank)

  private def respace(in: Array[Float], from: Int, to: Int, rank: Int): Array[Float] =
    if (from == to) in
    else {
      val rows = in.length / from
      val out = new Array[Float](Math.multiplyExact(rows, to))
      var r = 0
      while (r < rows) { System.arraycopy(in, r * from, out, r * to, rank); r += 1 }
      out
    }
}
