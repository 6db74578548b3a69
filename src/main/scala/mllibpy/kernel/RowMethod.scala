package mllibpy.kernel

/** The equations of one row, but for its ratings: what is fixed around it. */
private[kernel] final class Surroundings(
    /** Rows of the other side. */
    val fixed: Array[Float],
    /** Their Gramian times the background weight, both triangles, or null. */
    val base: Array[Float],
    /** The factor that stays 1, or -1. */
    val pinned: Int
)

/** Solves one row. Not thread safe: it owns its scratch space. */
private[kernel] abstract class RowMethod {

  /** How many rows so far had a singular system, and what was done instead of solving it. */
  var singular = 0L

  /** Brings x from the row's last factors to better ones, and gives the row's part of the objective
    * there, penalty included.
    *
    * @param x
    *   IN/OUT `stride` long; zero where there are no last factors, with 1 where pinned
    */
  def solve(ratings: RowRatings, around: Surroundings, ridge: Float, x: Array[Float]): Double
}
