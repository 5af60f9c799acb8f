// Written by tools/fit_polynomials.py; edit that file instead.
#ifndef RT_FORMULAS_POLY_H
#define RT_FORMULAS_POLY_H
#include "rt_formulas_base.h"

namespace RT_FORMULAS_NAMESPACE {

// [-0.34658, 0.34658], degree 4, relative error 2^-22
RT_INLINE float poly_exp_(float x) {
  return mad_(mad_(mad_(mad_(0.0013926177f, x, 0.008363174f), x, 0.041666556f), x, 0.16666578f), x, 0.5f);
}

// [-0.5001, 0.5001], degree 5, relative error 2^-26
RT_INLINE float poly_exp2_(float x) {
  return mad_(mad_(mad_(mad_(mad_(0.00015453182f, x, 0.0013390887f), x, 0.009618082f), x, 0.05550357f), x, 0.2402265f), x, 0.6931472f);
}

// [-0.292893, 0.414214], degree 8, relative error 2^-23
RT_INLINE float poly_log_(float x) {
  const float z = x * x;
  const float even = mad_(mad_(mad_(mad_(0.06971612f, z, 0.1168542f), z, 0.14249058f), z, 0.20000716f), z, 0.3333333f);
  const float odd = mad_(mad_(mad_(-0.11479734f, z, -0.12425687f), z, -0.16667803f), z, -0.24999997f);
  return mad_(odd, x, even);
}

// [-0.292893, 0.414214], degree 9, relative error 2^-25
RT_INLINE float poly_log2_(float x) {
  const float z = x * x;
  const float even = mad_(mad_(mad_(mad_(0.18476033f, z, 0.20485765f), z, 0.28855255f), z, 0.48089853f), z, 0.44269505f);
  const float odd = mad_(mad_(mad_(mad_(-0.10749789f, z, -0.19138838f), z, -0.23960812f), z, -0.36069655f), z, -0.72134733f);
  return mad_(odd, x, even);
}

// [-0.292893, 0.414214], degree 9, relative error 2^-18
RT_INLINE float poly_log10_(float x) {
  const float z = x * x;
  const float even = mad_(mad_(mad_(mad_(0.0556184f, z, 0.061668295f), z, 0.086862974f), z, 0.14476489f), z, -0.0032055185f);
  const float odd = mad_(mad_(mad_(mad_(-0.03236009f, z, -0.05761364f), z, -0.072129235f), z, -0.10858048f), z, -0.21714719f);
  return mad_(odd, x, even);
}

// [0.0, 0.0294667], degree 2, relative error 2^-21
RT_INLINE float poly_pow_tail_(float x) {
  return mad_(mad_(0.115245014f, x, 0.14281109f), x, 0.20000008f);
}

// [0.0, 0.616912], degree 2, relative error 2^-22
RT_INLINE float poly_sin_(float x) {
  return mad_(mad_(-0.00019587866f, x, 0.008332748f), x, -0.16666664f);
}

// [0.0, 0.616912], degree 2, relative error 2^-24
RT_INLINE float poly_cos_(float x) {
  return mad_(mad_(2.4547917e-05f, x, -0.0013888302f), x, 0.041666664f);
}

// [0.0, 0.616912], degree 6, relative error 2^-25
RT_INLINE float poly_tan_(float x) {
  return mad_(mad_(mad_(mad_(mad_(mad_(0.003843556f, x, 0.0011846202f), x, 0.009962586f), x, 0.021621002f), x, 0.05399448f), x, 0.13333231f), x, 0.33333334f);
}

// [0.0, 0.2501], degree 5, relative error 2^-25
RT_INLINE float poly_asin_(float x) {
  return mad_(mad_(mad_(mad_(mad_(0.033700727f, x, 0.017143717f), x, 0.031101728f), x, 0.04459932f), x, 0.07500095f), x, 0.16666666f);
}

// [0.0, 1.0], degree 8, relative error 2^-24
RT_INLINE float poly_atan_(float x) {
  const float z = x * x;
  const float even = mad_(mad_(mad_(mad_(-0.0023869972f, z, -0.03587154f), z, -0.0865688f), z, -0.14278568f), z, -0.3333333f);
  const float odd = mad_(mad_(mad_(0.013507771f, z, 0.06250169f), z, 0.110337645f), z, 0.1999974f);
  return mad_(odd, x, even);
}

// [0.0, 1.0], degree 3, relative error 2^-29
RT_INLINE float poly_sinh_(float x) {
  return mad_(mad_(mad_(2.8062802e-06f, x, 0.00019838102f), x, 0.008333339f), x, 0.16666667f);
}

// [0.0, 0.36], degree 5, relative error 2^-28
RT_INLINE float poly_tanh_(float x) {
  return mad_(mad_(mad_(mad_(mad_(0.0023707657f, x, -0.008410071f), x, 0.021788321f), x, -0.053961553f), x, 0.13333313f), x, -0.33333334f);
}

// [0.0, 0.2501], degree 6, relative error 2^-28
RT_INLINE float poly_atanh_(float x) {
  return mad_(mad_(mad_(mad_(mad_(mad_(0.15635076f, x, 0.040875826f), x, 0.09752967f), x, 0.110507116f), x, 0.14288293f), x, 0.19999959f), x, 0.33333334f);
}

// [0.0, 1.0], degree 6, relative error 2^-19
RT_INLINE float poly_erf_(float x) {
  return mad_(mad_(mad_(mad_(mad_(mad_(7.875875e-05f, x, -0.00080168643f), x, 0.0051890872f), x, -0.026854211f), x, 0.11283594f), x, -0.37612626f), x, 0.12837917f);
}

// [-1.0, 0.866667], degree 11, relative error 2^-27
RT_INLINE float poly_erfcx_(float x) {
  const float z = x * x;
  const float even = mad_(mad_(mad_(mad_(mad_(9.741261e-05f, z, -0.0006243344f), z, 0.0030757f), z, -0.021508036f), z, 0.27947193f), z, 1.0215827f);
  const float odd = mad_(mad_(mad_(mad_(mad_(1.8454679e-05f, z, 3.2490814e-05f), z, -0.000828371f), z, 0.0064751008f), z, -0.036441594f), z, -0.68716073f);
  return mad_(odd, x, even);
}

// [-2.5, 2.5], degree 8, relative error 2^-22
RT_INLINE float poly_erfinv_center_(float x) {
  const float z = x * x;
  const float even = mad_(mad_(mad_(mad_(2.2605978e-08f, z, -3.4547795e-06f), z, 0.00021831298f), z, -0.0041773464f), z, 1.5014093f);
  const float odd = mad_(mad_(mad_(3.422247e-07f, z, -4.3803466e-06f), z, -0.0012537589f), z, 0.24664077f);
  return mad_(odd, x, even);
}

// [-0.763932, 1.1], degree 8, relative error 2^-22
RT_INLINE float poly_erfinv_tail_(float x) {
  const float z = x * x;
  const float even = mad_(mad_(mad_(mad_(-0.00012933681f, z, 0.0012602804f), z, 0.0057765204f), z, 0.0094336f), z, 2.832977f);
  const float odd = mad_(mad_(mad_(4.4285985e-05f, z, -0.0036138098f), z, -0.007640052f), z, 1.0016754f);
  return mad_(odd, x, even);
}

// [-0.5, 0.5], degree 12, relative error 2^-26
RT_INLINE float poly_lgamma_one_(float x) {
  const float z = x * x;
  const float even = mad_(mad_(mad_(mad_(mad_(mad_(-0.16729733f, z, -0.058302138f), z, -0.11657937f), z, -0.14365292f), z, -0.2073982f), z, -0.40068552f), z, -0.5772157f);
  const float odd = mad_(mad_(mad_(mad_(mad_(0.17973927f, z, 0.06530931f), z, 0.13109551f), z, 0.16913451f), z, 0.27059427f), z, 0.8224669f);
  return mad_(odd, x, even);
}

// [-0.5, 1.0], degree 10, relative error 2^-29
RT_INLINE float poly_lgamma_two_(float x) {
  const float z = x * x;
  const float even = mad_(mad_(mad_(mad_(mad_(-1.7992514e-05f, z, -0.00023532574f), z, -0.0011921232f), z, -0.0073853293f), z, -0.06735232f), z, 0.42278433f);
  const float odd = mad_(mad_(mad_(mad_(8.96139e-05f, z, 0.00052016345f), z, 0.0028881286f), z, 0.020581001f), z, 0.32246703f);
  return mad_(odd, x, even);
}

// [0.0, 0.015625], degree 2, relative error 2^-30
RT_INLINE float poly_stirling_(float x) {
  return mad_(mad_(0.0007800347f, x, -0.0027776984f), x, 0.083333336f);
}

// [-0.5, 0.5], degree 9, relative error 2^-25
RT_INLINE float poly_digamma_root_(float x) {
  const float z = x * x;
  const float even = mad_(mad_(mad_(mad_(0.023909071f, z, 0.03936942f), z, 0.09511622f), z, 0.24053845f), z, 0.9510559f);
  const float odd = mad_(mad_(mad_(mad_(-0.015906317f, z, -0.026048882f), z, -0.06200707f), z, -0.14840224f), z, -0.42362744f);
  return mad_(odd, x, even);
}

// [0.0, 0.015625], degree 2, relative error 2^-27
RT_INLINE float poly_digamma_tail_(float x) {
  return mad_(mad_(0.0038735883f, x, -0.008332783f), x, 0.083333336f);
}

// [0.0, 16.0], degree 9, relative error 2^-28
RT_INLINE float poly_i0_small_(float x) {
  const float z = x * x;
  const float even = mad_(mad_(mad_(mad_(4.964065e-12f, z, 3.8760504e-08f), z, 6.942559e-05f), z, 0.027777718f), z, 1.0f);
  const float odd = mad_(mad_(mad_(mad_(1.4604439e-13f, z, 6.67035e-10f), z, 1.9333622e-06f), z, 0.0017361579f), z, 0.25000003f);
  return mad_(odd, x, even);
}

// [0.0, 0.125], degree 6, relative error 2^-29
RT_INLINE float poly_i0_tail_(float x) {
  return mad_(mad_(mad_(mad_(mad_(mad_(1.8169554f, x, -0.30054587f), x, 0.0842414f), x, 0.02732068f), x, 0.028092364f), x, 0.04986745f), x, 0.3989423f);
}

// [0.35, 2.83], degree 4, relative error 2^-6
RT_INLINE float poly_cbrt_(float x) {
  return mad_(mad_(mad_(mad_(0.041936163f, x, -0.34315372f), x, 1.0660355f), x, -1.623855f), x, 1.8550032f);
}

#ifndef RT_FORMULAS_NO_DOUBLE

// [-0.34658, 0.34658], degree 9, relative error 2^-52
RT_INLINE double poly_exp_(double x) {
  const double z = x * x;
  const double even = mad_(mad_(mad_(mad_(2.7620078203806394e-07, z, 2.4801521317484083e-05), z, 0.0013888888917199863), z, 0.04166666666662416), z, 0.5000000000000001);
  const double odd = mad_(mad_(mad_(mad_(2.5100377619606372e-08, z, 2.7557268476553695e-06), z, 0.00019841269863042963), z, 0.008333333333330063), z, 0.16666666666666669);
  return mad_(odd, x, even);
}

// [-0.5001, 0.5001], degree 11, relative error 2^-61
RT_INLINE double poly_exp2_(double x) {
  const double z = x * x;
  const double even = mad_(mad_(mad_(mad_(mad_(4.455822025014915e-10, z, 1.0178057064573359e-07), z, 1.5252733841601815e-05), z, 0.0013333558146406436), z, 0.055504108664821625), z, 0.6931471805599453);
  const double odd = mad_(mad_(mad_(mad_(mad_(2.5729344553786755e-11, z, 7.054897292691627e-09), z, 1.3215486808727859e-06), z, 0.00015403530393370715), z, 0.00961812910762848), z, 0.24022650695910072);
  return mad_(odd, x, even);
}

// [0.0, 0.0294667], degree 6, relative error 2^-50
RT_INLINE double poly_log_s_(double x) {
  return mad_(mad_(mad_(mad_(mad_(mad_(0.14617807153417325, x, 0.15331611722055008), x, 0.1818289243253687), x, 0.22222211089379496), x, 0.28571428626253836), x, 0.3999999999989889), x, 0.666666666666667);
}

// [-0.292893, 0.414214], degree 15, relative error 2^-43
RT_INLINE double poly_pow_log2_(double x) {
  const double z = x * x;
  const double even = mad_(mad_(mad_(mad_(mad_(mad_(mad_(0.11427131919552941, z, 0.11108048187908302), z, 0.13089265588126772), z, 0.1603232695730357), z, 0.20609838960888552), z, 0.28853902330508163), z, 0.4808983468711015), z, 1.4426950408890524);
  const double odd = mad_(mad_(mad_(mad_(mad_(mad_(mad_(-0.05607988304133264, z, -0.11895057618328995), z, -0.11803157989277945), z, -0.1444142050221101), z, -0.18033187497677122), z, -0.2404492623018822), z, -0.36067375951188296), z, -0.7213475204462124);
  return mad_(odd, x, even);
}

// [-0.5001, 0.5001], degree 6, relative error 2^-31
RT_INLINE double poly_pow_exp2_(double x) {
  return mad_(mad_(mad_(mad_(mad_(mad_(1.529734162283227e-05, x, 0.00015461467905285986), x, 0.001333350234150156), x, 0.00961805662050108), x, 0.05550410883930555), x, 0.2402265092256076), x, 0.6931471805599453);
}

// [0.0, 0.0294667], degree 7, relative error 2^-57
RT_INLINE double poly_pow_tail_(double x) {
  return mad_(mad_(mad_(mad_(mad_(mad_(mad_(0.058621635304233734, x, 0.05853063232281699), x, 0.0666740439940617), x, 0.0769229744350359), x, 0.09090909168049924), x, 0.11111111110826383), x, 0.14285714285714685), x, 0.2);
}

// [0.0, 0.616912], degree 5, relative error 2^-52
RT_INLINE double poly_sin_(double x) {
  return mad_(mad_(mad_(mad_(mad_(1.5918115263265974e-10, x, -2.505113165023518e-08), x, 2.7557316101617874e-06), x, -0.00019841269836756774), x, 0.008333333333330948), x, -0.16666666666666666);
}

// [0.0, 0.616912], degree 5, relative error 2^-54
RT_INLINE double poly_cos_(double x) {
  return mad_(mad_(mad_(mad_(mad_(-1.1382623647474604e-11, x, 2.087614614655861e-09), x, -2.7557317271145144e-07), x, 2.480158729876456e-05), x, -0.0013888888888887398), x, 0.041666666666666664);
}

// [0.0, 0.616912], degree 14, relative error 2^-56
RT_INLINE double poly_tan_(double x) {
  const double z = x * x;
  const double even = mad_(mad_(mad_(mad_(mad_(mad_(mad_(8.485316072701323e-06, z, 3.653131664108726e-05), z, 5.559954108301084e-05), z, 0.0002412282918388211), z, 0.0014559028161905394), z, 0.008863236004116282), z, 0.05396825396865608), z, 0.3333333333333333);
  const double odd = mad_(mad_(mad_(mad_(mad_(mad_(-1.8323519064364184e-05, z, -1.1030080532725273e-05), z, 8.997951259028279e-05), z, 0.0005895751422742284), z, 0.0035921209718821146), z, 0.02186948851704705), z, 0.13333333333333);
  return mad_(odd, x, even);
}

// [0.0, 0.2501], degree 13, relative error 2^-57
RT_INLINE double poly_asin_(double x) {
  const double z = x * x;
  const double even = mad_(mad_(mad_(mad_(mad_(mad_(-0.019277545928584553, z, 0.0030350071727267636), z, 0.009621402747344831), z, 0.013963775787848137), z, 0.022372157435623815), z, 0.04464285714255019), z, 0.16666666666666666);
  const double odd = mad_(mad_(mad_(mad_(mad_(mad_(0.029635026263548546, z, 0.019579201619744684), z, 0.009322101501082774), z, 0.011566511821890942), z, 0.017352816768546473), z, 0.030381944475693704), z, 0.07500000000000119);
  return mad_(odd, x, even);
}

// [0.0, 1.0], degree 20, relative error 2^-55
RT_INLINE double poly_atan_(double x) {
  const double z = x * x;
  const double even = mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(-1.1832505417555692e-05, z, -0.0007518472526973822), z, -0.006575683344151699), z, -0.020238706986393514), z, -0.033750132001619734), z, -0.04308119655330471), z, -0.05261265735709454), z, -0.06666636435777692), z, -0.09090908969557403), z, -0.14285714285648404), z, -0.3333333333333333);
  const double odd = mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(0.0001368724853148122, z, 0.002622977891906089), z, 0.012756172907694298), z, 0.027567942297344678), z, 0.03872640214042632), z, 0.04752086773576656), z, 0.05882074956371294), z, 0.07692305354678655), z, 0.11111111107234799), z, 0.19999999999999554);
  return mad_(odd, x, even);
}

// [0.0, 1.0], degree 6, relative error 2^-58
RT_INLINE double poly_sinh_(double x) {
  return mad_(mad_(mad_(mad_(mad_(mad_(7.746178593018827e-13, x, 1.6057679623801638e-10), x, 2.5052117695907823e-08), x, 2.7557319191381816e-06), x, 0.00019841269841324198), x, 0.008333333333333299), x, 0.16666666666666666);
}

// [0.0, 0.36], degree 11, relative error 2^-57
RT_INLINE double poly_tanh_(double x) {
  const double z = x * x;
  const double even = mad_(mad_(mad_(mad_(mad_(-3.2086614037935994e-05, z, -0.00023795201383924994), z, -0.0014557958855734635), z, -0.008863235292803289), z, -0.05396825396808531), z, -0.3333333333333333);
  const double odd = mad_(mad_(mad_(mad_(mad_(6.934046420988954e-06, z, 9.332432233847448e-05), z, 0.0005897680994688268), z, 0.0035921242500086925), z, 0.021869488527368107), z, 0.13333333333333205);
  return mad_(odd, x, even);
}

// [0.0, 0.2501], degree 14, relative error 2^-59
RT_INLINE double poly_atanh_(double x) {
  const double z = x * x;
  const double even = mad_(mad_(mad_(mad_(mad_(mad_(mad_(0.22673459428531156, z, 0.16391680976078682), z, 0.05471419853401719), z, 0.05286822945217062), z, 0.06666793186556243), z, 0.09090909234832004), z, 0.1428571428573433), z, 0.3333333333333333);
  const double odd = mad_(mad_(mad_(mad_(mad_(mad_(-0.18483728030619387, z, -0.005893217402119133), z, 0.045687317154384274), z, 0.0588028825418615), z, 0.07692302400645903), z, 0.11111111108760967), z, 0.19999999999999932);
  return mad_(odd, x, even);
}

// [0.0, 1.0], degree 12, relative error 2^-56
RT_INLINE double poly_erf_(double x) {
  const double z = x * x;
  const double even = mad_(mad_(mad_(mad_(mad_(mad_(5.957176147748911e-11, z, 1.4659775274047436e-08), z, 1.6461000484121368e-06), z, 0.0001205533111164271), z, 0.0052239776248180145), z, 0.11283791670954879), z, 0.1283791670955126);
  const double odd = mad_(mad_(mad_(mad_(mad_(-1.1372848856791674e-09, z, -1.6350312701054695e-07), z, -1.4925595266831182e-05), z, -0.000854832698083379), z, -0.026866170645076792), z, -0.3761263890318375);
  return mad_(odd, x, even);
}

// [-1.0, 0.866667], degree 25, relative error 2^-56
RT_INLINE double poly_erfcx_(double x) {
  const double z = x * x;
  const double even = mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(-8.841647730631768e-09, z, 3.781708868107648e-08), z, 1.820464376857651e-08), z, -5.850370439865759e-07), z, 2.0072353130380535e-06), z, -1.1267021640564996e-06), z, -2.1696122590609163e-05), z, 0.00014447075861913195), z, -0.0006630735087160643), z, 0.003090612059543539), z, -0.02151066188950295), z, 0.27947209255605504), z, 1.021582705242023);
  const double odd = mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(-1.8586229549868722e-09, z, -7.030633305282872e-09), z, 9.74835522087275e-08), z, -3.0491877712235964e-07), z, -1.473493410315902e-08), z, 3.652929871386714e-06), z, -1.6124173369140492e-05), z, 3.414965877754275e-05), z, 3.437132100284366e-05), z, -0.0008372960517456697), z, 0.006479185067174951), z, -0.03644223150686515), z, -0.6871606844138107);
  return mad_(odd, x, even);
}

// [-3.125, 3.125], degree 22, relative error 2^-51
RT_INLINE double poly_erfinv_center_(double x) {
  const double z = x * x;
  const double even = mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(-2.362369698566107e-22, z, 1.1027771591500033e-18), z, -1.290702354613073e-16), z, 6.581955305929239e-15), z, -8.106594456438496e-14), z, -1.2977505202014966e-11), z, 1.0512202440121784e-09), z, -2.907038666019143e-08), z, -1.3654691796592068e-06), z, 0.0001867342080212427), z, -0.006033670871427011), z, 1.6536545626831027);
  const double odd = mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(-1.6787330615256773e-19, z, 1.1125794759379464e-17), z, 2.166994626283574e-17), z, -4.0554139746886e-14), z, 2.6335724924608484e-12), z, -5.4154417754696635e-11), z, -4.112633104297614e-09), z, 4.2347877672780653e-07), z, -1.3882523361276876e-05), z, -0.0007407025341669402), z, 0.2401581824255897);
  return mad_(odd, x, even);
}

// [-0.75, 0.75], degree 18, relative error 2^-52
RT_INLINE double poly_erfinv_mid_(double x) {
  const double z = x * x;
  const double even = mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(-3.831039946072411e-10, z, -2.6860975725571463e-07), z, 1.4958263152984917e-06), z, 2.9273722115986924e-06), z, -4.731952918337189e-05), z, 2.4031363245440546e-05), z, 0.0009532893521118177), z, 0.0024914420976198813), z, 0.0053709145535581985), z, 3.0838856104922208);
  const double odd = mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(9.071950571029922e-08, z, 1.832399988132858e-08), z, -4.013946398190292e-06), z, 1.2475343474376931e-05), z, 6.828484052292924e-05), z, -0.00035503751863069763), z, -0.0016882755561681802), z, -0.0037512085075638536), z, 1.0052589676941592);
  return mad_(odd, x, even);
}

// [-1.0, 1.1], degree 16, relative error 2^-51
RT_INLINE double poly_erfinv_tail_(double x) {
  const double z = x * x;
  const double even = mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(5.1805705472647786e-12, z, 1.3779954356215018e-09), z, 7.827098893355556e-09), z, 2.896863203807144e-08), z, 2.2908899336184043e-07), z, 4.526041176109241e-06), z, 7.599527970149839e-05), z, -0.00013871931846279347), z, 4.849906401408585);
  const double odd = mad_(mad_(mad_(mad_(mad_(mad_(mad_(-2.5590674310304177e-10, z, -3.788651325903228e-09), z, -1.496052609384343e-08), z, -6.771217033066743e-08), z, -9.929824362731265e-07), z, -1.9681778211470945e-05), z, -0.00021503011928692775), z, 1.010300464864534);
  return mad_(odd, x, even);
}

// [-0.5, 0.5], degree 27, relative error 2^-55
RT_INLINE double poly_lgamma_one_(double x) {
  const double z = x * x;
  const double even = mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(-0.22471180158915516, z, 0.1528715168258553), z, -0.14497971020532596), z, -0.014509338086091672), z, -0.059850048562680856), z, -0.057737256640806416), z, -0.06678275881746833), z, -0.07692423568567124), z, -0.09095442301348973), z, -0.1113342530365414), z, -0.14404989701106719), z, -0.2073855510262953), z, -0.4006856343865406), z, -0.5772156649015329);
  const double odd = mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(0.21762817640022097, z, -0.14857260899606312), z, 0.14011729595820724), z, 0.01333577663873192), z, 0.057003000096539545), z, 0.054501409023364235), z, 0.0626116167474043), z, 0.07142491150665906), z, 0.08335423437020126), z, 0.10009944506030896), z, 0.1255096697597847), z, 0.16955717699509998), z, 0.2705808084277935), z, 0.8224670334241132);
  return mad_(odd, x, even);
}

// [-0.5, 1.0], degree 21, relative error 2^-58
RT_INLINE double poly_lgamma_two_(double x) {
  const double z = x * x;
  const double even = mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(-1.2394516911278076e-08, z, -1.0784595012220329e-07), z, -4.5041997201473635e-07), z, -2.0371195482358996e-06), z, -9.440199753274835e-06), z, -4.4926118904862264e-05), z, -0.00022315476914202685), z, -0.0011927539111748094), z, -0.007385551028687111), z, -0.06735230105319796), z, 0.42278433509846713);
  const double odd = mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(1.6305432352127331e-09, z, 4.4561979632842775e-08), z, 2.2102374422908605e-07), z, 9.511969731319312e-07), z, 4.375472004777847e-06), z, 2.050723289467849e-05), z, 9.945749459386184e-05), z, 0.0005096695270786523), z, 0.0028905103306125996), z, 0.020580808427787502), z, 0.3224670334241132);
  return mad_(odd, x, even);
}

// [0.0, 0.015625], degree 6, relative error 2^-56
RT_INLINE double poly_stirling_(double x) {
  return mad_(mad_(mad_(mad_(mad_(mad_(0.005065905360156132, x, -0.001890382993887715), x, 0.0008414700852503147), x, -0.0005952365845057049), x, 0.0007936507897524059), x, -0.002777777777773988), x, 0.08333333333333333);
}

// [-0.5, 0.5], degree 20, relative error 2^-53
RT_INLINE double poly_digamma_root_(double x) {
  const double z = x * x;
  const double even = mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(0.0002522590506964885, z, 0.00023650171719339814), z, 0.0007184107969046378), z, 0.0015580749137213761), z, 0.0035187504361950134), z, 0.007926972735646359), z, 0.017907250563619775), z, 0.0407608338843387), z, 0.09498872445354183), z, 0.24054248424078478), z, 0.9510558760318328);
  const double odd = mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(-0.0003783907897248858, z, -0.00035476352053371977), z, -0.0010776863967234226), z, -0.002337552647103118), z, -0.005280903066090605), z, -0.011908146513976738), z, -0.026975800029253667), z, -0.06192213319072707), z, -0.14840492305485808), z, -0.4236274212814573);
  return mad_(odd, x, even);
}

// [0.0, 0.015625], degree 7, relative error 2^-58
RT_INLINE double poly_digamma_tail_(double x) {
  return mad_(mad_(mad_(mad_(mad_(mad_(mad_(-0.299425370626735, x, 0.08002337465397756), x, -0.02105106090804774), x, 0.007575459920369176), x, -0.004166665501516725), x, 0.003968253965999701), x, -0.008333333333331664), x, 0.08333333333333333);
}

// [0.0, 16.0], degree 14, relative error 2^-57
RT_INLINE double poly_i0_small_(double x) {
  const double z = x * x;
  const double even = mad_(mad_(mad_(mad_(mad_(mad_(mad_(9.319037302519698e-25, z, 2.6459481729049967e-20), z, 6.2782596125899935e-16), z, 7.594076203674035e-12), z, 3.936759926835679e-08), z, 6.944444444616768e-05), z, 0.02777777777777875), z, 1.0);
  const double odd = mad_(mad_(mad_(mad_(mad_(mad_(1.1142728859197163e-22, z, 4.3438583592285594e-18), z, 7.593826261486644e-14), z, 6.151186352073215e-10), z, 1.9290123446808463e-06), z, 0.0017361111111093212), z, 0.24999999999999978);
  return mad_(odd, x, even);
}

// [0.0, 0.125], degree 22, relative error 2^-54
RT_INLINE double poly_i0_tail_(double x) {
  const double z = x * x;
  const double even = mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(3.3678142630566788e+16, z, 2.8590740304120956e+16), z, 2903063962296260.0), z, 80994728550058.17), z, 792083964019.9021), z, 2977368334.089229), z, 4366882.030638348), z, 2379.992719826009), z, 0.6498655373405138), z, 0.04476075235844737), z, 0.028050629200526308), z, 0.3989422804014327);
  const double odd = mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(mad_(-4.5625549860525896e+16, z, -1.0994172952273044e+16), z, -558338222939883.56), z, -9058765454645.9), z, -54594034117.30243), z, -128456787.36916725), z, -116003.22508652722), z, -36.191303707146034), z, 0.08718848829871338), z, 0.029219343433309654), z, 0.04986778505010138);
  return mad_(odd, x, even);
}

// [0.35, 2.83], degree 6, relative error 2^-9
RT_INLINE double poly_cbrt_(double x) {
  return mad_(mad_(mad_(mad_(mad_(mad_(0.019093874171108603, x, -0.21519081092002904), x, 0.9933369342544071), x, -2.4277208535870924), x, 3.410084453292059), x, -2.8746158265659183), x, 2.094621854662232);
}

#endif  // RT_FORMULAS_NO_DOUBLE

}  // namespace RT_FORMULAS_NAMESPACE

#endif  // RT_FORMULAS_POLY_H
