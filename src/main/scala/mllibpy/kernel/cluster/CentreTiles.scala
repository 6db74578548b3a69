package mllibpy.kernel.cluster

/** Scores of rows and centres, and the best of them: what k-means spends its time on.
  *
  * The score of a row x and a centre c is `x.c - |c|^2 / 2`, which is highest for the nearest
  * centre. Centres stand in panels of [[CentreTiles.SingleWidth]] or [[CentreTiles.DoubleWidth]]:
  * first what their scores begin at, then, feature by feature, their numbers. Of the best, a lane
  * keeps its own: centre `which * lanes + lane`; ties go to the first.
  *
  * [[VectorCentreTiles]] is the implementation on the JDK's Vector API, [[PlainCentreTiles]] the
  * one in plain loops that runs where the module is missing and that tests hold the first one
  * against.
  */
abstract class CentreTiles extends Serializable {

  /** Lanes of the best, for float32 and for float64. */
  def singleLanes: Int
  def doubleLanes: Int

  /** Scores of 8 rows, `stride` apart from `at` on, with the first `width` centres (and what else
    * shares their vectors) of a panel from `p` on: `out(r * W + i)`.
    */
  def scores(
      x: Array[Float],
      at: Int,
      stride: Int,
      features: Int,
      panel: Array[Float],
      p: Int,
      width: Int,
      out: Array[Float]
  ): Unit

  def scores(
      x: Array[Double],
      at: Int,
      stride: Int,
      features: Int,
      panel: Array[Double],
      p: Int,
      width: Int,
      out: Array[Double]
  ): Unit

  /** Keeps what is above the best of each row and lane, of the first `width` scores of each row and
    * what shares their vectors; `code` numbers the panel's first lanes.
    */
  def keep(
      scores: Array[Float],
      width: Int,
      code: Int,
      best: Array[Float],
      which: Array[Float],
      at: Int
  ): Unit

  def keep(
      scores: Array[Double],
      width: Int,
      code: Int,
      best: Array[Double],
      which: Array[Double],
      at: Int
  ): Unit

  /** The same, and the second best. */
  def keepTwo(
      scores: Array[Float],
      width: Int,
      code: Int,
      best: Array[Float],
      which: Array[Float],
      second: Array[Float],
      at: Int
  ): Unit

  def keepTwo(
      scores: Array[Double],
      width: Int,
      code: Int,
      best: Array[Double],
      which: Array[Double],
      second: Array[Double],
      at: Int
  ): Unit

  /** The dot product of two runs of n numbers, which is a multiple of the widest vector's. */
  def dot(x: Array[Float], at: Int, y: Array[Float], from: Int, n: Int): Double

  def dot(x: Array[Double], at: Int, y: Array[Double], from: Int, n: Int): Double

  /** Scores of a sparse row, the entries `from until until`, with a panel: `out(to + i)`. */
  def sparse(
      values: Array[Double],
      columns: Array[Int],
      from: Int,
      until: Int,
      panel: Array[Double],
      p: Int,
      out: Array[Double],
      to: Int
  ): Unit
}

object CentreTiles {

  /** Rows to a call, and centres to a panel: two of the widest vectors. */
  final val Rows = 8
  final val SingleWidth = 32
  final val DoubleWidth = 16

  /** By vectors where the JVM has them. */
  lazy val best: CentreTiles =
    try if (VectorCentreTiles.works) VectorCentreTiles else PlainCentreTiles
    catch { case _: LinkageError => PlainCentreTiles }
}
