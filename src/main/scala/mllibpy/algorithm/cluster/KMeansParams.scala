package mllibpy.algorithm.cluster

/** What is asked of a fit.
  *
  * @param starts
  *   given centres, for each start; else `init` says how they are drawn, for so many starts
  * @param init
  *   "k-means++", "k-means||", "random"
  * @param rounds
  *   of drawing in k-means||, and how many rows each draws, as a multiple of k
  * @param tol
  *   a start ends where its centres move by less than this share of the features' mean variance
  *   (squared distances, summed)
  * @param empty
  *   "reseed", "drop", "error"
  * @param bounds
  *   "auto" (where they pay), "always", "never"
  */
final case class KMeansParams(
    k: Int,
    starts: Seq[Array[Double]],
    init: String,
    nInit: Int,
    rounds: Int,
    oversampling: Double,
    maxIter: Int,
    tol: Double,
    cosine: Boolean,
    empty: String,
    bounds: String,
    seed: Long,
    labels: Boolean
)

/** What came of it.
  *
  * @param history
  *   what each pass found the inertia to be, at the centres that it began with
  * @param labels
  *   by block, in the rows' order; empty where they were not asked for
  * @param scored
  *   rows that were scored with all centres, as a share of all rows, by pass
  * @param reseeded
  *   clusters that became empty and were begun anew
  * @param steps
  *   mini-batches; `counts` the weights that each centre has seen of them, and `lengths` what its
  *   sums are, as a multiple of it: the same, and with the cosine distance, whose centres have the
  *   length 1, the sums' length
  */
final class KMeansFit(
    val centres: Array[Double],
    val k: Int,
    val inertia: Double,
    val iterations: Int,
    val reason: String,
    val history: Seq[Double],
    val labels: Seq[Array[Int]],
    val found: Int,
    val passes: Int,
    val scored: Seq[Double],
    val reseeded: Int,
    val steps: Int = 0,
    val counts: Array[Double] = Array.empty,
    val lengths: Array[Double] = Array.empty
)
