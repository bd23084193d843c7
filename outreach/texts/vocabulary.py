"""The words a machine may use. A list of what is forbidden can be talked around ("leave your wallet
at home"); a list of what is needed for a friendly sentence cannot. Plain form, English and Spanish;
the words of the text at hand are allowed besides."""

from __future__ import annotations

_ENGLISH = """
    a able about absolutely after afternoon again agree ahead all along already also always am
    an and answer answering answers any anyone anything anytime appointment appreciate are
    around as ask asked asks at away back be beautiful because been before begin being best
    better between bit book booked booking both break breathe bring brings busy but by calendar
    call called calling calm calmer can care catch caught chance change changed changing chat
    cheer cheerful choice choices choose choosing chosen close come comes comfort
    comfortable coming community convenient could count cozy cup curious date day day's days
    dear dearly definitely delight delighted deserve deserves did different do does doing don't
    door doors down drop dropping each ear early easier easily easy easygoing either else end
    enjoy enjoyed enjoying enough even evening evenings ever every everyone everything excited
    experience face faces fall familiar family far favorite favourite feel feeling feels few
    find fine first fit fits flexible for forward free friday friendly from front fully gentle
    get gets getting give glad gladly go going good got great guest guests had hand handled
    happily happy has have haven't having heads hear heard hearing heart hearts hello help
    helped helpful helps her here hi him his hold holding honored honoured hope hoped hopes
    hoping hour hours how however i i'd i'll i'm idea if in inside into invite invited inviting
    is isn't it it'd it'll it's its join just keep keeping kept kind kindly know last lately
    later laughter learn least leave less let let's letting lies life like liked likes liking
    line listen listening little long look looking looks lot love loved lovely made make makes
    making many matter matters may maybe me mean means meet member members membership mention
    message messages might mind minute miss missed missing moment moments monday month months
    more morning mornings most much music must my near nearly need needs never new news next
    nice night no not note nothing noticed now of often okay on once one only open opinion or
    other others our out over own pace part pass past peace peaceful people perfect perhaps
    personal pick picked place plan planned planning plans please pleased pleasure pop prefer
    preference preferred quick quickly quiet quietest quietly quite rather reach reaching ready
    really relax relaxed relaxing remember remind reply rest restful return right room rush
    same saturday save saved saw say schedule season see seeing seem seems seen send sense set
    settle settled shall share shared she shine short should simple simply since sit slow
    slower slowly small smile smiles smooth so some somebody someone something sometime soon
    sooner soonest sorry sounds space spare speak special spend spot spring start stay stayed
    step still suit suits summer sunday sunshine sure take taken takes taking talk tea team
    tell thank thanks that that's the their them then therapist therapists there there's these
    they thing things think thinking this those thought thoughts through thursday time times to
    today together tomorrow tonight too touch treat treatment truly try trying tuesday tuned
    two under understand until unwind up us use usual usually very visit visited visiting
    visits voice wait waiting want wanted wants warm warmly was way ways we we'd we'll we're
    we've wednesday week weekend weekends weeks welcome welcoming well were what what's
    whatever when whenever where wherever whether which while who whoever whole why will window
    winter wish wishes with within without wonder wondered wonderful wondering word words work
    works worries would write year year's yes yet you you'd you'll you're you've your yours
    yourself
    """
_SPANISH = """
    a abierta abiertas abierto acerca acompanar acuerdo adecuado adelante ademas agenda
    agradable agradecemos agrado ahora al alegra alegraria alegria algo alguien algun alguna
    algunas algunos alla alli alma amable amigo anima animas ano ante antes apetece apetezca
    apoyar aqui asi atender atentos aun aunque avisa avisanos ayuda ayudamos ayudar ayudarte
    bien bienestar bienvenida bienvenido bonito buen buena buenas bueno buenos busca buscamos
    buscar cada calma cambiado cambiar cambio carino casa casi cercano cita citas como comoda
    comodo compartir con conmigo conocer conocerte conoces consejo contamos contar contarnos
    conte contigo conversar corazon cosa cosas cual cualquier cuando cuanto cuentanos cuentas
    cuidado cuidar cuidarnos cuidarte da dar darte de deja dejanos del dentro descansa
    descansar descanso desde deseamos deseas despacio despues di dia dias dime dinos dinoslo
    disfrutar donde dos durante e echa echamos echar el elegir elige eliges ella ellos en
    encanta encantada encantado encantara encantaria encontramos encontrar entre eres es esa
    esas escribe escribenos escuchamos escuchar escucharte ese eso esos espera esperamos
    esperando esperarte esta estado estamos estar estara estaran estaremos estas este esto
    estos estoy experiencia extrana extranamos facil falta familia favor favorita favorito
    feliz fin forma fue fuera gracias gran guardamos guardar gusta gustado gustan gustaran
    gustaria guste gusten gusto gustos ha hablamos hablar hace hacemos hacer has hasta hay haya
    hemos hola honor hora horario horas hoy idea igual importa importante invitarte ir jueves
    juntos la largo las le leer les libre listo llama llamada llamar llamarte llamemos lo los
    luego lugar lunes manana mananas manera martes mas mayor me mejor mejorar membresia menos
    mensaje mensajes mes meses mi mientras miercoles mimarte minuto mismo modo momento momentos
    mucha muchas mucho muchos musica muy nada nadie necesitas ni ningun ninguna no noche nos
    nosotros notado notamos nuestra nuestras nuestro nuestros nueva nuevo nunca o ocasion
    opinas opinion otra otras otro otros paciencia para parece parecen parte pasa pasado pasar
    pasarte pasate pausado paz pendiente pendientes pensado pensamos pensando pensar pequena
    pequeno perfecto pero persona placer plan planear poco podamos podemos poder podrias por
    porque preferencia preferida preferido preferimos prefieras prefieres pregunta preparado
    primavera primer primera prisa pronto proxima proximo pueda puedas puede puedes puerta
    puertas pues que queda quedas queremos queria querias quieras quieres quisiera quisieramos
    quisieras quiza quizas rato razon realmente recibimos recibir recibirte recordamos recuerda
    recuerdas reencontrarnos regresar relajarte reserva reservamos reservar respirar respiro
    responde responder respuesta ritmo sabado sabemos saber saludo saludos se sea seguir segun
    seguro semana semanas ser sera seria si siempre sientas siente siguiente silencio
    silencioso sin sino sitio sobre solo somos son sonrisa sonrisas su suave sugerencia tal
    tambien tan tanto tarde tardes te tema temporada temprano tenemos tener tenerlo tenerte
    tengas ti tiempo tiene tienes toda todas todavia todo todos tomarte tomate tranquila
    tranquilas tranquilo tranquilos tu tus un una unas uno unos usted va vamos vayas ve veces
    ven venga vengan venir ver verano verdad vernos verte vez vida viene vienes viernes visita
    visitarnos visitas volver vuelta vuelvas y ya yo
    """
BY_LANGUAGE = {"en": _ENGLISH.split(), "es": _SPANISH.split()}
WORDS = frozenset(BY_LANGUAGE["en"] + BY_LANGUAGE["es"])
