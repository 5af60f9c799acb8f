// Written by tools/fit_polynomials.py; edit that file instead.
// clang-format off
#ifndef RT_FORMULAS_POLY_H
#define RT_FORMULAS_POLY_H
#include "rt_formulas_base.h"

namespace RT_FORMULAS_NAMESPACE {

// [-0.34658, 0.34658], degree 4, relative error 2^-22
RT_INLINE float poly_exp_(float x) {
  const float x2 = x * x;
  const float x4 = x2 * x2;
  return mad_(0.0013926177f, x4, mad_(mad_(0.008363174f, x, 0.041666556f), x2, mad_(0.16666578f, x, 0.5f)));
}

// [-0.5001, 0.5001], degree 5, relative error 2^-26
RT_INLINE float poly_exp2_(float x) {
  const float x2 = x * x;
  const float x4 = x2 * x2;
  return mad_(mad_(0.00015453182f, x, 0.0013390887f), x4, mad_(mad_(0.009618082f, x, 0.05550357f), x2, mad_(0.2402265f, x, 0.6931472f)));
}

// [-0.292893, 0.414214], degree 8, relative error 2^-23
RT_INLINE float poly_log_(float x) {
  const float x2 = x * x;
  const float x4 = x2 * x2;
  const float x8 = x4 * x4;
  return mad_(0.06971612f, x8, mad_(mad_(mad_(-0.11479734f, x, 0.1168542f), x2, mad_(-0.12425687f, x, 0.14249058f)), x4, mad_(mad_(-0.16667803f, x, 0.20000716f), x2, mad_(-0.24999997f, x, 0.3333333f))));
}

// [-0.292893, 0.414214], degree 9, relative error 2^-25
RT_INLINE float poly_log2_(float x) {
  const float x2 = x * x;
  const float x4 = x2 * x2;
  const float x8 = x4 * x4;
  return mad_(mad_(-0.10749789f, x, 0.18476033f), x8, mad_(mad_(mad_(-0.19138838f, x, 0.20485765f), x2, mad_(-0.23960812f, x, 0.28855255f)), x4, mad_(mad_(-0.36069655f, x, 0.48089853f), x2, mad_(-0.72134733f, x, 0.44269505f))));
}

// [-0.292893, 0.414214], degree 9, relative error 2^-18
RT_INLINE float poly_log10_(float x) {
  const float x2 = x * x;
  const float x4 = x2 * x2;
  const float x8 = x4 * x4;
  return mad_(mad_(-0.03236009f, x, 0.0556184f), x8, mad_(mad_(mad_(-0.05761364f, x, 0.061668295f), x2, mad_(-0.072129235f, x, 0.086862974f)), x4, mad_(mad_(-0.10858048f, x, 0.14476489f), x2, mad_(-0.21714719f, x, -0.0032055185f))));
}

// [0.0, 0.0294667], degree 2, relative error 2^-21
RT_INLINE float poly_pow_tail_(float x) {
  const float x2 = x * x;
  return mad_(0.115245014f, x2, mad_(0.14281109f, x, 0.20000008f));
}

// [0.0, 0.616912], degree 2, relative error 2^-22
RT_INLINE float poly_sin_(float x) {
  const float x2 = x * x;
  return mad_(-0.00019587866f, x2, mad_(0.008332748f, x, -0.16666664f));
}

// [0.0, 0.616912], degree 2, relative error 2^-24
RT_INLINE float poly_cos_(float x) {
  const float x2 = x * x;
  return mad_(2.4547917e-05f, x2, mad_(-0.0013888302f, x, 0.041666664f));
}

// [0.0, 0.616912], degree 6, relative error 2^-25
RT_INLINE float poly_tan_(float x) {
  const float x2 = x * x;
  const float x4 = x2 * x2;
  return mad_(mad_(0.003843556f, x2, mad_(0.0011846202f, x, 0.009962586f)), x4, mad_(mad_(0.021621002f, x, 0.05399448f), x2, mad_(0.13333231f, x, 0.33333334f)));
}

// [0.0, 0.2501], degree 5, relative error 2^-25
RT_INLINE float poly_asin_(float x) {
  const float x2 = x * x;
  const float x4 = x2 * x2;
  return mad_(mad_(0.033700727f, x, 0.017143717f), x4, mad_(mad_(0.031101728f, x, 0.04459932f), x2, mad_(0.07500095f, x, 0.16666666f)));
}

// [0.0, 1.0], degree 8, relative error 2^-24
RT_INLINE float poly_atan_(float x) {
  const float x2 = x * x;
  const float x4 = x2 * x2;
  const float x8 = x4 * x4;
  return mad_(-0.0023869972f, x8, mad_(mad_(mad_(0.013507771f, x, -0.03587154f), x2, mad_(0.06250169f, x, -0.0865688f)), x4, mad_(mad_(0.110337645f, x, -0.14278568f), x2, mad_(0.1999974f, x, -0.3333333f))));
}

// [0.0, 1.0], degree 3, relative error 2^-29
RT_INLINE float poly_sinh_(float x) {
  const float x2 = x * x;
  return mad_(mad_(2.8062802e-06f, x, 0.00019838102f), x2, mad_(0.008333339f, x, 0.16666667f));
}

// [0.0, 0.36], degree 5, relative error 2^-28
RT_INLINE float poly_tanh_(float x) {
  const float x2 = x * x;
  const float x4 = x2 * x2;
  return mad_(mad_(0.0023707657f, x, -0.008410071f), x4, mad_(mad_(0.021788321f, x, -0.053961553f), x2, mad_(0.13333313f, x, -0.33333334f)));
}

// [0.0, 0.2501], degree 6, relative error 2^-28
RT_INLINE float poly_atanh_(float x) {
  const float x2 = x * x;
  const float x4 = x2 * x2;
  return mad_(mad_(0.15635076f, x2, mad_(0.040875826f, x, 0.09752967f)), x4, mad_(mad_(0.110507116f, x, 0.14288293f), x2, mad_(0.19999959f, x, 0.33333334f)));
}

// [0.0, 1.0], degree 6, relative error 2^-19
RT_INLINE float poly_erf_(float x) {
  const float x2 = x * x;
  const float x4 = x2 * x2;
  return mad_(mad_(7.875875e-05f, x2, mad_(-0.00080168643f, x, 0.0051890872f)), x4, mad_(mad_(-0.026854211f, x, 0.11283594f), x2, mad_(-0.37612626f, x, 0.12837917f)));
}

// [-1.0, 0.866667], degree 11, relative error 2^-27
RT_INLINE float poly_erfcx_(float x) {
  const float x2 = x * x;
  const float x4 = x2 * x2;
  const float x8 = x4 * x4;
  return mad_(mad_(mad_(1.8454679e-05f, x, 9.741261e-05f), x2, mad_(3.2490814e-05f, x, -0.0006243344f)), x8, mad_(mad_(mad_(-0.000828371f, x, 0.0030757f), x2, mad_(0.0064751008f, x, -0.021508036f)), x4, mad_(mad_(-0.036441594f, x, 0.27947193f), x2, mad_(-0.68716073f, x, 1.0215827f))));
}

// [-2.5, 2.5], degree 8, relative error 2^-22
RT_INLINE float poly_erfinv_center_(float x) {
  const float x2 = x * x;
  const float x4 = x2 * x2;
  const float x8 = x4 * x4;
  return mad_(2.2605978e-08f, x8, mad_(mad_(mad_(3.422247e-07f, x, -3.4547795e-06f), x2, mad_(-4.3803466e-06f, x, 0.00021831298f)), x4, mad_(mad_(-0.0012537589f, x, -0.0041773464f), x2, mad_(0.24664077f, x, 1.5014093f))));
}

// [-0.763932, 1.1], degree 8, relative error 2^-22
RT_INLINE float poly_erfinv_tail_(float x) {
  const float x2 = x * x;
  const float x4 = x2 * x2;
  const float x8 = x4 * x4;
  return mad_(-0.00012933681f, x8, mad_(mad_(mad_(4.4285985e-05f, x, 0.0012602804f), x2, mad_(-0.0036138098f, x, 0.0057765204f)), x4, mad_(mad_(-0.007640052f, x, 0.0094336f), x2, mad_(1.0016754f, x, 2.832977f))));
}

// [-0.5, 0.5], degree 12, relative error 2^-26
RT_INLINE float poly_lgamma_one_(float x) {
  const float x2 = x * x;
  const float x4 = x2 * x2;
  const float x8 = x4 * x4;
  return mad_(mad_(-0.16729733f, x4, mad_(mad_(0.17973927f, x, -0.058302138f), x2, mad_(0.06530931f, x, -0.11657937f))), x8, mad_(mad_(mad_(0.13109551f, x, -0.14365292f), x2, mad_(0.16913451f, x, -0.2073982f)), x4, mad_(mad_(0.27059427f, x, -0.40068552f), x2, mad_(0.8224669f, x, -0.5772157f))));
}

// [-0.5, 1.0], degree 10, relative error 2^-29
RT_INLINE float poly_lgamma_two_(float x) {
  const float x2 = x * x;
  const float x4 = x2 * x2;
  const float x8 = x4 * x4;
  return mad_(mad_(-1.7992514e-05f, x2, mad_(8.96139e-05f, x, -0.00023532574f)), x8, mad_(mad_(mad_(0.00052016345f, x, -0.0011921232f), x2, mad_(0.0028881286f, x, -0.0073853293f)), x4, mad_(mad_(0.020581001f, x, -0.06735232f), x2, mad_(0.32246703f, x, 0.42278433f))));
}

// [0.0, 0.015625], degree 2, relative error 2^-30
RT_INLINE float poly_stirling_(float x) {
  const float x2 = x * x;
  return mad_(0.0007800347f, x2, mad_(-0.0027776984f, x, 0.083333336f));
}

// [-0.5, 0.5], degree 9, relative error 2^-25
RT_INLINE float poly_digamma_root_(float x) {
  const float x2 = x * x;
  const float x4 = x2 * x2;
  const float x8 = x4 * x4;
  return mad_(mad_(-0.015906317f, x, 0.023909071f), x8, mad_(mad_(mad_(-0.026048882f, x, 0.03936942f), x2, mad_(-0.06200707f, x, 0.09511622f)), x4, mad_(mad_(-0.14840224f, x, 0.24053845f), x2, mad_(-0.42362744f, x, 0.9510559f))));
}

// [0.0, 0.015625], degree 2, relative error 2^-27
RT_INLINE float poly_digamma_tail_(float x) {
  const float x2 = x * x;
  return mad_(0.0038735883f, x2, mad_(-0.008332783f, x, 0.083333336f));
}

// [0.0, 16.0], degree 9, relative error 2^-28
RT_INLINE float poly_i0_small_(float x) {
  const float x2 = x * x;
  const float x4 = x2 * x2;
  const float x8 = x4 * x4;
  return mad_(mad_(1.4604439e-13f, x, 4.964065e-12f), x8, mad_(mad_(mad_(6.67035e-10f, x, 3.8760504e-08f), x2, mad_(1.9333622e-06f, x, 6.942559e-05f)), x4, mad_(mad_(0.0017361579f, x, 0.027777718f), x2, mad_(0.25000003f, x, 1.0f))));
}

// [0.0, 0.125], degree 6, relative error 2^-29
RT_INLINE float poly_i0_tail_(float x) {
  const float x2 = x * x;
  const float x4 = x2 * x2;
  return mad_(mad_(1.8169554f, x2, mad_(-0.30054587f, x, 0.0842414f)), x4, mad_(mad_(0.02732068f, x, 0.028092364f), x2, mad_(0.04986745f, x, 0.3989423f)));
}

// [0.35, 2.83], degree 4, relative error 2^-6
RT_INLINE float poly_cbrt_(float x) {
  const float x2 = x * x;
  const float x4 = x2 * x2;
  return mad_(0.041936163f, x4, mad_(mad_(-0.34315372f, x, 1.0660355f), x2, mad_(-1.623855f, x, 1.8550032f)));
}

#ifndef RT_FORMULAS_NO_DOUBLE

// [-0.34658, 0.34658], degree 9, relative error 2^-52
RT_INLINE double poly_exp_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  const double x8 = x4 * x4;
  return mad_(mad_(2.5100377619606372e-08, x, 2.7620078203806394e-07), x8, mad_(mad_(mad_(2.7557268476553695e-06, x, 2.4801521317484083e-05), x2, mad_(0.00019841269863042963, x, 0.0013888888917199863)), x4, mad_(mad_(0.008333333333330063, x, 0.04166666666662416), x2, mad_(0.16666666666666669, x, 0.5000000000000001))));
}

// [-0.5001, 0.5001], degree 11, relative error 2^-61
RT_INLINE double poly_exp2_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  const double x8 = x4 * x4;
  return mad_(mad_(mad_(2.5729344553786755e-11, x, 4.455822025014915e-10), x2, mad_(7.054897292691627e-09, x, 1.0178057064573359e-07)), x8, mad_(mad_(mad_(1.3215486808727859e-06, x, 1.5252733841601815e-05), x2, mad_(0.00015403530393370715, x, 0.0013333558146406436)), x4, mad_(mad_(0.00961812910762848, x, 0.055504108664821625), x2, mad_(0.24022650695910072, x, 0.6931471805599453))));
}

// [0.0, 0.0294667], degree 6, relative error 2^-50
RT_INLINE double poly_log_s_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  return mad_(mad_(0.14617807153417325, x2, mad_(0.15331611722055008, x, 0.1818289243253687)), x4, mad_(mad_(0.22222211089379496, x, 0.28571428626253836), x2, mad_(0.3999999999989889, x, 0.666666666666667)));
}

// [-0.292893, 0.414214], degree 15, relative error 2^-43
RT_INLINE double poly_pow_log2_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  const double x8 = x4 * x4;
  return mad_(mad_(mad_(mad_(-0.05607988304133264, x, 0.11427131919552941), x2, mad_(-0.11895057618328995, x, 0.11108048187908302)), x4, mad_(mad_(-0.11803157989277945, x, 0.13089265588126772), x2, mad_(-0.1444142050221101, x, 0.1603232695730357))), x8, mad_(mad_(mad_(-0.18033187497677122, x, 0.20609838960888552), x2, mad_(-0.2404492623018822, x, 0.28853902330508163)), x4, mad_(mad_(-0.36067375951188296, x, 0.4808983468711015), x2, mad_(-0.7213475204462124, x, 1.4426950408890524))));
}

// [-0.5001, 0.5001], degree 6, relative error 2^-31
RT_INLINE double poly_pow_exp2_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  return mad_(mad_(1.529734162283227e-05, x2, mad_(0.00015461467905285986, x, 0.001333350234150156)), x4, mad_(mad_(0.00961805662050108, x, 0.05550410883930555), x2, mad_(0.2402265092256076, x, 0.6931471805599453)));
}

// [0.0, 0.0294667], degree 7, relative error 2^-57
RT_INLINE double poly_pow_tail_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  return mad_(mad_(mad_(0.058621635304233734, x, 0.05853063232281699), x2, mad_(0.0666740439940617, x, 0.0769229744350359)), x4, mad_(mad_(0.09090909168049924, x, 0.11111111110826383), x2, mad_(0.14285714285714685, x, 0.2)));
}

// [0.0, 0.616912], degree 5, relative error 2^-52
RT_INLINE double poly_sin_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  return mad_(mad_(1.5918115263265974e-10, x, -2.505113165023518e-08), x4, mad_(mad_(2.7557316101617874e-06, x, -0.00019841269836756774), x2, mad_(0.008333333333330948, x, -0.16666666666666666)));
}

// [0.0, 0.616912], degree 5, relative error 2^-54
RT_INLINE double poly_cos_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  return mad_(mad_(-1.1382623647474604e-11, x, 2.087614614655861e-09), x4, mad_(mad_(-2.7557317271145144e-07, x, 2.480158729876456e-05), x2, mad_(-0.0013888888888887398, x, 0.041666666666666664)));
}

// [0.0, 0.616912], degree 14, relative error 2^-56
RT_INLINE double poly_tan_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  const double x8 = x4 * x4;
  return mad_(mad_(mad_(8.485316072701323e-06, x2, mad_(-1.8323519064364184e-05, x, 3.653131664108726e-05)), x4, mad_(mad_(-1.1030080532725273e-05, x, 5.559954108301084e-05), x2, mad_(8.997951259028279e-05, x, 0.0002412282918388211))), x8, mad_(mad_(mad_(0.0005895751422742284, x, 0.0014559028161905394), x2, mad_(0.0035921209718821146, x, 0.008863236004116282)), x4, mad_(mad_(0.02186948851704705, x, 0.05396825396865608), x2, mad_(0.13333333333333, x, 0.3333333333333333))));
}

// [0.0, 0.2501], degree 13, relative error 2^-57
RT_INLINE double poly_asin_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  const double x8 = x4 * x4;
  return mad_(mad_(mad_(0.029635026263548546, x, -0.019277545928584553), x4, mad_(mad_(0.019579201619744684, x, 0.0030350071727267636), x2, mad_(0.009322101501082774, x, 0.009621402747344831))), x8, mad_(mad_(mad_(0.011566511821890942, x, 0.013963775787848137), x2, mad_(0.017352816768546473, x, 0.022372157435623815)), x4, mad_(mad_(0.030381944475693704, x, 0.04464285714255019), x2, mad_(0.07500000000000119, x, 0.16666666666666666))));
}

// [0.0, 1.0], degree 20, relative error 2^-55
RT_INLINE double poly_atan_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  const double x8 = x4 * x4;
  const double x16 = x8 * x8;
  return mad_(mad_(-1.1832505417555692e-05, x4, mad_(mad_(0.0001368724853148122, x, -0.0007518472526973822), x2, mad_(0.002622977891906089, x, -0.006575683344151699))), x16, mad_(mad_(mad_(mad_(0.012756172907694298, x, -0.020238706986393514), x2, mad_(0.027567942297344678, x, -0.033750132001619734)), x4, mad_(mad_(0.03872640214042632, x, -0.04308119655330471), x2, mad_(0.04752086773576656, x, -0.05261265735709454))), x8, mad_(mad_(mad_(0.05882074956371294, x, -0.06666636435777692), x2, mad_(0.07692305354678655, x, -0.09090908969557403)), x4, mad_(mad_(0.11111111107234799, x, -0.14285714285648404), x2, mad_(0.19999999999999554, x, -0.3333333333333333)))));
}

// [0.0, 1.0], degree 6, relative error 2^-58
RT_INLINE double poly_sinh_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  return mad_(mad_(7.746178593018827e-13, x2, mad_(1.6057679623801638e-10, x, 2.5052117695907823e-08)), x4, mad_(mad_(2.7557319191381816e-06, x, 0.00019841269841324198), x2, mad_(0.008333333333333299, x, 0.16666666666666666)));
}

// [0.0, 0.36], degree 11, relative error 2^-57
RT_INLINE double poly_tanh_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  const double x8 = x4 * x4;
  return mad_(mad_(mad_(6.934046420988954e-06, x, -3.2086614037935994e-05), x2, mad_(9.332432233847448e-05, x, -0.00023795201383924994)), x8, mad_(mad_(mad_(0.0005897680994688268, x, -0.0014557958855734635), x2, mad_(0.0035921242500086925, x, -0.008863235292803289)), x4, mad_(mad_(0.021869488527368107, x, -0.05396825396808531), x2, mad_(0.13333333333333205, x, -0.3333333333333333))));
}

// [0.0, 0.2501], degree 14, relative error 2^-59
RT_INLINE double poly_atanh_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  const double x8 = x4 * x4;
  return mad_(mad_(mad_(0.22673459428531156, x2, mad_(-0.18483728030619387, x, 0.16391680976078682)), x4, mad_(mad_(-0.005893217402119133, x, 0.05471419853401719), x2, mad_(0.045687317154384274, x, 0.05286822945217062))), x8, mad_(mad_(mad_(0.0588028825418615, x, 0.06666793186556243), x2, mad_(0.07692302400645903, x, 0.09090909234832004)), x4, mad_(mad_(0.11111111108760967, x, 0.1428571428573433), x2, mad_(0.19999999999999932, x, 0.3333333333333333))));
}

// [0.0, 1.0], degree 12, relative error 2^-56
RT_INLINE double poly_erf_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  const double x8 = x4 * x4;
  return mad_(mad_(5.957176147748911e-11, x4, mad_(mad_(-1.1372848856791674e-09, x, 1.4659775274047436e-08), x2, mad_(-1.6350312701054695e-07, x, 1.6461000484121368e-06))), x8, mad_(mad_(mad_(-1.4925595266831182e-05, x, 0.0001205533111164271), x2, mad_(-0.000854832698083379, x, 0.0052239776248180145)), x4, mad_(mad_(-0.026866170645076792, x, 0.11283791670954879), x2, mad_(-0.3761263890318375, x, 0.1283791670955126))));
}

// [-1.0, 0.866667], degree 25, relative error 2^-56
RT_INLINE double poly_erfcx_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  const double x8 = x4 * x4;
  const double x16 = x8 * x8;
  return mad_(mad_(mad_(-1.8586229549868722e-09, x, -8.841647730631768e-09), x8, mad_(mad_(mad_(-7.030633305282872e-09, x, 3.781708868107648e-08), x2, mad_(9.74835522087275e-08, x, 1.820464376857651e-08)), x4, mad_(mad_(-3.0491877712235964e-07, x, -5.850370439865759e-07), x2, mad_(-1.473493410315902e-08, x, 2.0072353130380535e-06)))), x16, mad_(mad_(mad_(mad_(3.652929871386714e-06, x, -1.1267021640564996e-06), x2, mad_(-1.6124173369140492e-05, x, -2.1696122590609163e-05)), x4, mad_(mad_(3.414965877754275e-05, x, 0.00014447075861913195), x2, mad_(3.437132100284366e-05, x, -0.0006630735087160643))), x8, mad_(mad_(mad_(-0.0008372960517456697, x, 0.003090612059543539), x2, mad_(0.006479185067174951, x, -0.02151066188950295)), x4, mad_(mad_(-0.03644223150686515, x, 0.27947209255605504), x2, mad_(-0.6871606844138107, x, 1.021582705242023)))));
}

// [-3.125, 3.125], degree 22, relative error 2^-51
RT_INLINE double poly_erfinv_center_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  const double x8 = x4 * x4;
  const double x16 = x8 * x8;
  return mad_(mad_(mad_(-2.362369698566107e-22, x2, mad_(-1.6787330615256773e-19, x, 1.1027771591500033e-18)), x4, mad_(mad_(1.1125794759379464e-17, x, -1.290702354613073e-16), x2, mad_(2.166994626283574e-17, x, 6.581955305929239e-15))), x16, mad_(mad_(mad_(mad_(-4.0554139746886e-14, x, -8.106594456438496e-14), x2, mad_(2.6335724924608484e-12, x, -1.2977505202014966e-11)), x4, mad_(mad_(-5.4154417754696635e-11, x, 1.0512202440121784e-09), x2, mad_(-4.112633104297614e-09, x, -2.907038666019143e-08))), x8, mad_(mad_(mad_(4.2347877672780653e-07, x, -1.3654691796592068e-06), x2, mad_(-1.3882523361276876e-05, x, 0.0001867342080212427)), x4, mad_(mad_(-0.0007407025341669402, x, -0.006033670871427011), x2, mad_(0.2401581824255897, x, 1.6536545626831027)))));
}

// [-0.75, 0.75], degree 18, relative error 2^-52
RT_INLINE double poly_erfinv_mid_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  const double x8 = x4 * x4;
  const double x16 = x8 * x8;
  return mad_(mad_(-3.831039946072411e-10, x2, mad_(9.071950571029922e-08, x, -2.6860975725571463e-07)), x16, mad_(mad_(mad_(mad_(1.832399988132858e-08, x, 1.4958263152984917e-06), x2, mad_(-4.013946398190292e-06, x, 2.9273722115986924e-06)), x4, mad_(mad_(1.2475343474376931e-05, x, -4.731952918337189e-05), x2, mad_(6.828484052292924e-05, x, 2.4031363245440546e-05))), x8, mad_(mad_(mad_(-0.00035503751863069763, x, 0.0009532893521118177), x2, mad_(-0.0016882755561681802, x, 0.0024914420976198813)), x4, mad_(mad_(-0.0037512085075638536, x, 0.0053709145535581985), x2, mad_(1.0052589676941592, x, 3.0838856104922208)))));
}

// [-1.0, 1.1], degree 16, relative error 2^-51
RT_INLINE double poly_erfinv_tail_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  const double x8 = x4 * x4;
  const double x16 = x8 * x8;
  return mad_(5.1805705472647786e-12, x16, mad_(mad_(mad_(mad_(-2.5590674310304177e-10, x, 1.3779954356215018e-09), x2, mad_(-3.788651325903228e-09, x, 7.827098893355556e-09)), x4, mad_(mad_(-1.496052609384343e-08, x, 2.896863203807144e-08), x2, mad_(-6.771217033066743e-08, x, 2.2908899336184043e-07))), x8, mad_(mad_(mad_(-9.929824362731265e-07, x, 4.526041176109241e-06), x2, mad_(-1.9681778211470945e-05, x, 7.599527970149839e-05)), x4, mad_(mad_(-0.00021503011928692775, x, -0.00013871931846279347), x2, mad_(1.010300464864534, x, 4.849906401408585)))));
}

// [-0.5, 0.5], degree 27, relative error 2^-55
RT_INLINE double poly_lgamma_one_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  const double x8 = x4 * x4;
  const double x16 = x8 * x8;
  return mad_(mad_(mad_(mad_(0.21762817640022097, x, -0.22471180158915516), x2, mad_(-0.14857260899606312, x, 0.1528715168258553)), x8, mad_(mad_(mad_(0.14011729595820724, x, -0.14497971020532596), x2, mad_(0.01333577663873192, x, -0.014509338086091672)), x4, mad_(mad_(0.057003000096539545, x, -0.059850048562680856), x2, mad_(0.054501409023364235, x, -0.057737256640806416)))), x16, mad_(mad_(mad_(mad_(0.0626116167474043, x, -0.06678275881746833), x2, mad_(0.07142491150665906, x, -0.07692423568567124)), x4, mad_(mad_(0.08335423437020126, x, -0.09095442301348973), x2, mad_(0.10009944506030896, x, -0.1113342530365414))), x8, mad_(mad_(mad_(0.1255096697597847, x, -0.14404989701106719), x2, mad_(0.16955717699509998, x, -0.2073855510262953)), x4, mad_(mad_(0.2705808084277935, x, -0.4006856343865406), x2, mad_(0.8224670334241132, x, -0.5772156649015329)))));
}

// [-0.5, 1.0], degree 21, relative error 2^-58
RT_INLINE double poly_lgamma_two_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  const double x8 = x4 * x4;
  const double x16 = x8 * x8;
  return mad_(mad_(mad_(1.6305432352127331e-09, x, -1.2394516911278076e-08), x4, mad_(mad_(4.4561979632842775e-08, x, -1.0784595012220329e-07), x2, mad_(2.2102374422908605e-07, x, -4.5041997201473635e-07))), x16, mad_(mad_(mad_(mad_(9.511969731319312e-07, x, -2.0371195482358996e-06), x2, mad_(4.375472004777847e-06, x, -9.440199753274835e-06)), x4, mad_(mad_(2.050723289467849e-05, x, -4.4926118904862264e-05), x2, mad_(9.945749459386184e-05, x, -0.00022315476914202685))), x8, mad_(mad_(mad_(0.0005096695270786523, x, -0.0011927539111748094), x2, mad_(0.0028905103306125996, x, -0.007385551028687111)), x4, mad_(mad_(0.020580808427787502, x, -0.06735230105319796), x2, mad_(0.3224670334241132, x, 0.42278433509846713)))));
}

// [0.0, 0.015625], degree 6, relative error 2^-56
RT_INLINE double poly_stirling_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  return mad_(mad_(0.005065905360156132, x2, mad_(-0.001890382993887715, x, 0.0008414700852503147)), x4, mad_(mad_(-0.0005952365845057049, x, 0.0007936507897524059), x2, mad_(-0.002777777777773988, x, 0.08333333333333333)));
}

// [-0.5, 0.5], degree 20, relative error 2^-53
RT_INLINE double poly_digamma_root_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  const double x8 = x4 * x4;
  const double x16 = x8 * x8;
  return mad_(mad_(0.0002522590506964885, x4, mad_(mad_(-0.0003783907897248858, x, 0.00023650171719339814), x2, mad_(-0.00035476352053371977, x, 0.0007184107969046378))), x16, mad_(mad_(mad_(mad_(-0.0010776863967234226, x, 0.0015580749137213761), x2, mad_(-0.002337552647103118, x, 0.0035187504361950134)), x4, mad_(mad_(-0.005280903066090605, x, 0.007926972735646359), x2, mad_(-0.011908146513976738, x, 0.017907250563619775))), x8, mad_(mad_(mad_(-0.026975800029253667, x, 0.0407608338843387), x2, mad_(-0.06192213319072707, x, 0.09498872445354183)), x4, mad_(mad_(-0.14840492305485808, x, 0.24054248424078478), x2, mad_(-0.4236274212814573, x, 0.9510558760318328)))));
}

// [0.0, 0.015625], degree 7, relative error 2^-58
RT_INLINE double poly_digamma_tail_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  return mad_(mad_(mad_(-0.299425370626735, x, 0.08002337465397756), x2, mad_(-0.02105106090804774, x, 0.007575459920369176)), x4, mad_(mad_(-0.004166665501516725, x, 0.003968253965999701), x2, mad_(-0.008333333333331664, x, 0.08333333333333333)));
}

// [0.0, 16.0], degree 14, relative error 2^-57
RT_INLINE double poly_i0_small_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  const double x8 = x4 * x4;
  return mad_(mad_(mad_(9.319037302519698e-25, x2, mad_(1.1142728859197163e-22, x, 2.6459481729049967e-20)), x4, mad_(mad_(4.3438583592285594e-18, x, 6.2782596125899935e-16), x2, mad_(7.593826261486644e-14, x, 7.594076203674035e-12))), x8, mad_(mad_(mad_(6.151186352073215e-10, x, 3.936759926835679e-08), x2, mad_(1.9290123446808463e-06, x, 6.944444444616768e-05)), x4, mad_(mad_(0.0017361111111093212, x, 0.02777777777777875), x2, mad_(0.24999999999999978, x, 1.0))));
}

// [0.0, 0.125], degree 22, relative error 2^-54
RT_INLINE double poly_i0_tail_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  const double x8 = x4 * x4;
  const double x16 = x8 * x8;
  return mad_(mad_(mad_(3.3678142630566788e+16, x2, mad_(-4.5625549860525896e+16, x, 2.8590740304120956e+16)), x4, mad_(mad_(-1.0994172952273044e+16, x, 2903063962296260.0), x2, mad_(-558338222939883.56, x, 80994728550058.17))), x16, mad_(mad_(mad_(mad_(-9058765454645.9, x, 792083964019.9021), x2, mad_(-54594034117.30243, x, 2977368334.089229)), x4, mad_(mad_(-128456787.36916725, x, 4366882.030638348), x2, mad_(-116003.22508652722, x, 2379.992719826009))), x8, mad_(mad_(mad_(-36.191303707146034, x, 0.6498655373405138), x2, mad_(0.08718848829871338, x, 0.04476075235844737)), x4, mad_(mad_(0.029219343433309654, x, 0.028050629200526308), x2, mad_(0.04986778505010138, x, 0.3989422804014327)))));
}

// [0.35, 2.83], degree 6, relative error 2^-9
RT_INLINE double poly_cbrt_(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  return mad_(mad_(0.019093874171108603, x2, mad_(-0.21519081092002904, x, 0.9933369342544071)), x4, mad_(mad_(-2.4277208535870924, x, 3.410084453292059), x2, mad_(-2.8746158265659183, x, 2.094621854662232)));
}

#endif  // RT_FORMULAS_NO_DOUBLE

}  // namespace RT_FORMULAS_NAMESPACE

#endif  // RT_FORMULAS_POLY_H
