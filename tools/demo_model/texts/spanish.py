"""Spanish: its words, its sentence patterns, and names that sound alike. Pure data; see ``english.py``."""

from __future__ import annotations

from tools.demo_model.texts.language import Language, options, words
from tools.demo_model.texts.prose import PROSE
from tools.demo_model.texts.talks import SPANISH

_HOURS = "dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce"

SLOTS: dict[str, list[str]] = {
    "name": options(
        "Ana|Pedro|María|David|Sara|Tomás|Lucía|Daniel|Elena|Roberto|Julia|Martín|Carmen|Óscar|Isabel|"
        "Simón|Alicia|Jorge|Laura|Enrique|Gracia|Víctor|Sofía|Arturo|Clara|Félix|Marta|Andrés|Teresa|"
        "Guillermo|Raquel|Patricio|Mónica|Ramón|Irene|Francisco|Diana|Alberto|Verónica|Felipe"
    ),
    "family": options(
        "García|Fernández|López|Moreno|Navarro|Ruiz|Ortega|Castillo|Romero|Delgado|Molina|Vega"
    ),
    "he": options(
        "hermano|padre|tío|primo|abuelo|hijo|marido|vecino|amigo|jefe|médico|conductor|campesino|profesor|"
        "panadero|capitán|cantante|abogado|ingeniero|pintor|camarero|cocinero|piloto|soldado|escritor|"
        "científico|músico|actor|juez|policía|fotógrafo|jardinero|dentista|estudiante|director|pescador|"
        "carpintero|periodista|presidente|alcalde"
    ),
    "she": options(
        "hermana|madre|tía|prima|abuela|hija|mujer|vecina|amiga|jefa|doctora|enfermera|maestra|profesora|"
        "escritora|directora|cocinera|pintora|abogada|reina|alumna|camarera|bailarina|científica"
    ),
    "who": options(
        "mi {he}|mi {she}|su {he}|su {she}|nuestro {he}|nuestra {she}|el {he}|la {she}|un {he}|una {she}|"
        "{name}|{name}|{name}|{name} {family}|alguien|un viejo amigo"
    ),
    "group": options(
        "los niños|mis padres|dos estudiantes|muchos visitantes|los campesinos|nuestros amigos|"
        "los obreros|algunos jugadores|las familias|ellos|los turistas|nuestros vecinos|los profesores|"
        "los pasajeros|los jóvenes|los invitados|varios científicos|las mujeres|los equipos|"
        "otros clientes"
    ),
    "m": options(
        "libro|barco|coche|tren|avión|camión|cuadro|mapa|reloj|teléfono|billete|abrigo|sombrero|zapato|"
        "espejo|piano|violín|martillo|cuchillo|plato|vaso|cuaderno|lápiz|periódico|regalo|juguete|"
        "ordenador|teclado|motor|puente|muro|techo|escritorio|sofá|armario|paraguas|vestido|anillo|"
        "pasaporte|casco|cohete|tambor|balón|pañuelo|bolso|cajón|edificio|jardín|pueblo|árbol"
    ),
    "f": options(
        "casa|carta|ventana|puerta|mesa|bicicleta|cámara|lámpara|silla|guitarra|máquina|botella|cuchara|"
        "llave|bolsa|cesta|manta|almohada|escalera|camisa|chaqueta|cartera|maleta|revista|rueda|tienda|"
        "vela|bandera|radio|pantalla|estatua|pintura|pelota|cometa|taza|caja|cama|calle|carretera|falda|"
        "corbata|moneda|piedra|flor|canción|historia|pregunta|fotografía|habitación|piscina"
    ),
    "ms": options(
        "libros|barcos|coches|trenes|cuadros|mapas|relojes|billetes|zapatos|platos|vasos|regalos|juguetes|"
        "huevos|árboles|problemas|mensajes|tomates|limones|plátanos|calcetines|guantes|botones|edificios"
    ),
    "fs": options(
        "casas|cartas|ventanas|puertas|mesas|bicicletas|lámparas|sillas|botellas|llaves|flores|manzanas|"
        "naranjas|piedras|canciones|historias|tazas|cajas|monedas|preguntas|ideas|reglas|camisas|patatas|"
        "cebollas|zanahorias|galletas|fotografías|estrellas|nubes"
    ),
    "am": options(
        "pequeño|nuevo|viejo|tranquilo|claro|oscuro|pesado|ligero|limpio|bonito|extraño|sencillo|roto|"
        "famoso|largo|corto|cálido|frío|ancho|estrecho|vacío|lleno|barato|caro|moderno|antiguo|peligroso|"
        "seguro|sucio|seco|profundo|redondo|ruidoso|fresco|rico|pobre|feo|perfecto|terrible|maravilloso|"
        "útil|especial|público|privado|secreto|enorme|cómodo|importante|imposible|rojo|azul|verde|"
        "amarillo|blanco|negro|marrón|gris|morado|dorado"
    ),
    "af": options(
        "pequeña|nueva|vieja|tranquila|clara|oscura|pesada|ligera|limpia|bonita|extraña|sencilla|rota|"
        "famosa|larga|corta|cálida|fría|ancha|estrecha|vacía|llena|barata|cara|moderna|antigua|peligrosa|"
        "segura|sucia|seca|profunda|redonda|ruidosa|fresca|fea|perfecta|maravillosa|pública|privada|"
        "secreta|enorme|cómoda|importante|imposible|roja|azul|verde|amarilla|blanca|negra|marrón|gris|"
        "morada|dorada"
    ),
    "place": options(
        "el río|el mercado|la biblioteca|el jardín|la estación|la escuela|el puerto|el museo|el puente|"
        "el parque|la montaña|el pueblo|la panadería|el hospital|la oficina|la playa|el lago|el teatro|"
        "la cocina|el aeropuerto|la iglesia|el castillo|el bosque|la fábrica|el banco|el hotel|"
        "el restaurante|el estadio|la universidad|la farmacia|el supermercado|la isla|la torre|la plaza|"
        "el sótano|el baño|el balcón|la parada|el túnel|el valle|la frontera|el faro|el ayuntamiento"
    ),
    "city": options(
        "Londres|París|Berlín|Madrid|Roma|Viena|Dublín|Sevilla|Bogotá|Lima|Tokio|Moscú|Atenas|Lisboa|"
        "Granada|Bilbao|Praga|Varsovia|Barcelona|Valencia|Toledo|Málaga|Santiago|Montevideo|Caracas"
    ),
    "country": options(
        "España|Francia|Italia|Alemania|Canadá|México|Japón|Corea|Brasil|Portugal|Noruega|Suecia|"
        "Argentina|Chile|Colombia|Australia|Perú|Egipto|Polonia|Turquía|Suiza"
    ),
    "food": options(
        "pan|queso|miel|sopa|arroz|pescado|café|té|leche|fruta fresca|chocolate caliente|pastel|"
        "mantequilla|azúcar|agua|pollo|carne|pasta|ensalada|jamón|sal|pimienta|ajo|setas|frijoles|nueces|"
        "helado|zumo de naranja|vino tinto|cerveza|limonada|tortilla|aceite|aceitunas|espinacas|yogur"
    ),
    "animal": options(
        "perro|gato|caballo|pájaro|conejo|ratón|pato|león|tigre|elefante|mono|zorro|lobo|oso|burro|"
        "camello|pingüino|cerdo|toro|gallo"
    ),
    "animals": options(
        "perros|gatos|caballos|pájaros|vacas|ovejas|cabras|patos|leones|elefantes|monos|zorros|lobos|osos|"
        "águilas|delfines|ballenas|pingüinos|abejas|gallinas|cerdos"
    ),
    "day": options("lunes|martes|miércoles|jueves|viernes|sábado|domingo"),
    "month": options(
        "enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre"
    ),
    "season": options("primavera|verano|otoño|invierno"),
    "when": options(
        "ayer|la semana pasada|el año pasado|esta mañana|el {day}|en {month}|hace dos días|en {year}|"
        "después de comer|por la tarde|antes de cenar|por la noche|todos los días|en {season}|anoche|"
        "a medianoche|hace mucho tiempo|durante la guerra|el fin de semana|anteayer|al mediodía"
    ),
    "later": options(
        "mañana|la semana que viene|el {day}|en {month}|esta noche|pronto|el próximo año|"
        "después de la pausa|dentro de un momento|antes de medianoche|en el futuro|pasado mañana"
    ),
    "hour": _HOURS.split("|"),
    "unit": _HOURS.split("|")[:8],
    "number": ["{unit}", "{digits}", "{digits}", "diez", "once", "doce", "cien", "mil"],
    "clock": options(
        "las {hour}|las {hour} y media|las {hour} y cuarto|las {hour} menos cuarto|las {hour} y diez|"
        "las {hour} menos veinte|la una|la una y media"
    ),
    "weather": options("sol|frío|calor|viento|buen tiempo|mal tiempo|niebla|mucho calor|mucho viento"),
    "sky": options("lluvia|nieve|viento|sol|niebla|hielo|nubes|tormentas"),
    "bought": options(
        "compró|encontró|perdió|vendió|pintó|abrió|reparó|llevó|limpió|movió|pidió|olvidó|construyó|"
        "rompió|cerró|recogió|contó|cubrió|entregó|describió|diseñó|destruyó|descubrió|terminó|siguió|"
        "inventó|guardó|ordenó|preparó|protegió|recibió|recordó|quitó|devolvió|robó|tocó|usó|quería|lavó|"
        "revisó"
    ),
    "to_do": options(
        "leer un libro|tocar el piano|nadar en el lago|preparar la cena|limpiar la cocina|"
        "aprender un idioma|escribir una carta|visitar {city}|trabajar en el jardín|comprar {food}|"
        "beber {food}|cantar una canción|caminar junto al río|dar de comer a los {animals}|"
        "construir una casa|viajar a {city}|escuchar música|quedarse en casa|ir a {place}|mirar el mapa|"
        "llamar a {name}|viajar a {country}|estudiar matemáticas|jugar al fútbol|ver una película|"
        "subir la montaña|lavar los platos|coger el tren|enviar un mensaje|responder a la pregunta|"
        "abrir una cuenta|cambiar la contraseña|ahorrar dinero|comprobar los resultados|"
        "bailar toda la noche|plantar {fs}|arreglar el {m}|ganar el partido|resolver el problema|"
        "explicar las reglas|cruzar la calle|salir temprano|dormir hasta tarde|montar a caballo|"
        "pensar en eso|esperar un minuto"
    ),
    "doing": options(
        "leyendo|durmiendo|esperando|trabajando|cantando|cocinando|caminando|hablando|bailando|"
        "escribiendo|corriendo|riendo|jugando|nadando|dibujando|estudiando|llorando|gritando|pescando|"
        "viajando|descansando|pensando|escuchando"
    ),
    "adverb": options(
        "despacio|rápido|siempre|nunca|juntos|otra vez|con cuidado|a menudo|a veces|de repente|"
        "normalmente|ya|inmediatamente|perfectamente|fácilmente|realmente|casi|también|tampoco"
    ),
    "feeling": options(
        "contento|cansado|enfadado|listo|ocupado|seguro|orgulloso|nervioso|sorprendido|preocupado|"
        "aburrido|solo|enfermo|triste|tranquilo"
    ),
    "where": options(
        "cerca de {city}|detrás de la {f}|delante de la {f}|al lado de la {f}|en {place}|fuera de {city}|"
        "no muy lejos de {city}|a la izquierda|a la derecha|debajo de la {f}|encima de la {f}|arriba|"
        "abajo|entre {city} y {city}|dentro de la {f}|a la vuelta de la esquina|por todas partes"
    ),
    "unit_of": options("minutos|horas|días|semanas|meses|años|metros|kilómetros|segundos|páginas"),
    "start": options(
        "primero|entonces|ahora|luego|al principio|después|al final|por ejemplo|por supuesto|como saben|"
        "sin embargo|hoy|de hecho|por fin|en el pasado|bueno|eh|pues|este|la verdad|mientras tanto|"
        "por otro lado|en mi opinión|por desgracia|por suerte|además|o sea|a ver|es decir|claro"
    ),
    "topic": options(
        "el río|el tiempo|nuestra ciudad|la música|el mercado|la buena comida|la historia de {city}|"
        "la biblioteca|el ferrocarril|los animales|el teatro|el puerto|el arte moderno|los ordenadores|"
        "el clima|la electricidad|los planetas|el lenguaje|la medicina|el deporte|el dinero|la educación|"
        "la economía|el gobierno|la ley|la tecnología|la energía|el proyecto|el experimento|el tráfico"
    ),
    "said": options("dijo|piensa|sabe|cree|espera|escribió|decidió|prometió|explicó|admitió"),
    "thing": options(
        "el {m}|la {f}|un {m} {am}|una {f} {af}|el {m} {am}|la {f} {af}|su {m}|su {f}|mi {m}|este {m}|"
        "esta {f}|aquel {m}|aquella {f}"
    ),
    "things": options(
        "{number} {ms}|{number} {fs}|unos {ms}|unas {fs}|muchos {ms}|muchas {fs}|los {ms}|las {fs}|"
        "estos {ms}|estas {fs}|miles de {fs}"
    ),
    "aux": options("pueden|deben|van a|quieren|tienen que|podrían|deberían|suelen"),
    "neg": options("no pueden|no deben|no van a|no quieren|no tienen que"),
    "um": options("eh|este|bueno|pues"),
    "said_of": options("interesante|necesario|posible|obvio|verdad|mentira|difícil|fácil|suficiente"),
}

PATTERNS: list[str] = options(
    "{who} {bought} {thing} {when}.|{who} {bought} {things} {where}.|{start}, {who} {bought} {thing}.|"
    "{group} {aux} {to_do} {later}.|{group} {aux} {to_do}.|{start}, {group} {aux} {to_do}.|"
    "El {m} {am} está {where}.|La {f} {af} está {where}.|Hay un {m} {am} {where}.|Hay {things} {where}.|"
    "{start}, aquí solo había una {f} {af}.|¿Hay un {m} {where}?|¿Dónde está {thing}?|"
    "¿A qué hora abre la {f} el {day}?|¿Quién {bought} {thing}?|¿Por qué está {who} tan {feeling}?|"
    "¿Cuándo va a visitar {city} {who}?|¿Cuántas {fs} compró {who}?|¿Puedes ver el {m} {am}?|"
    "¿Quieres {to_do}?|¿Cuántos años tiene {who}?|El tren a {city} sale a {clock}.|"
    "El autobús de {city} llega a {clock} el {day}.|Ahora son {clock}.|Nos vemos {where} a {clock}.|"
    "{place} abre a {clock} y cierra a {clock}.|Mi número es {unit} {unit} {unit} {unit}.|"
    "Cuesta {number} dólares.|El {m} cuesta {number} euros.|Hacen falta {number} {unit_of} para {to_do}.|"
    "La respuesta es {number}, no {number}.|{who} vive en {city} desde hace {number} {unit_of}.|"
    "{city} está a {number} kilómetros de {city}.|En {month} hace {weather} en {city}.|"
    "{later} va a hacer {weather}.|Había mucha {sky} {when}.|Hizo {weather} {when}.|"
    "{who} estaba {doing} {where}.|{who} está {doing} {adverb}.|{group} estaban {doing} {where} {when}.|"
    "{who} estaba muy {feeling}, pero {who} estaba {feeling}.|Estoy {feeling}, gracias.|"
    "No estoy {feeling} {when}.|Por favor, trae {food} y {food} para {name}.|"
    "Por favor, abre la {f}, {name}.|No olvides {thing}.|"
    "Gira a la izquierda en {place} y luego a la derecha.|Sigue recto {number} metros.|Mira el {m} {am}.|"
    "{who} {said} que {thing} es muy {said_of}.|{who} {said} que {group} {aux} {to_do}.|"
    "No puedo {to_do} porque estoy {feeling}.|El {animal} {am} corrió hasta {place}.|"
    "Un {animal} {am} estaba {doing} {where}.|{group} vieron {number} {animals} {where}.|"
    "{name} y {name} viven {where}.|Me llamo {name} y soy de {city}.|El {m} es {am} y {am}.|"
    "Este {m} es más {am} que ese {m}.|Esta {f} es más {af} que esa {f}.|Comimos {food}, {food} y {food}.|"
    "A {name} le gusta el {food}, pero no la {food}.|Quiero hablar de {topic}.|"
    "{start}, les voy a hablar de {topic}.|Esta historia trata de {topic}.|"
    "Hablemos de {topic} y de {topic}.|Buenos días, {name}.|Buenas tardes a todos y bienvenidos.|"
    "Buenas noches, {name}.|Muchas gracias, {name}.|Gracias por su tiempo.|Hasta {later}, {name}.|"
    "Sí, {group} {aux} {to_do}.|No, {group} {neg} {to_do}.|Bueno, ese es un {m} {am}.|"
    "Cada {season}, {group} {aux} {to_do}.|Si hace {weather}, {group} {aux} {to_do}.|"
    "Cuando era joven, {who} {adverb} {bought} {thing}.|{who} y {who} {aux} {to_do}.|"
    "El {m} fue construido hace {number} años.|Nadie {bought} {thing} {when}.|Nunca he visto tantas {fs}.|"
    "Eso es todo por hoy.|¿Tienen alguna pregunta?|El {m} y la {f} son de {name}.|"
    "Con {food} y una {f} puedes {to_do}.|{who} le dio {thing} a {name}.|{who} envió {things} a {city}.|"
    "Espero que todo sea {said_of}.|Él {bought} {thing}, pero ella {bought} {thing}.|"
    "{name} {family} nació en {year} en {country}.|En {year}, {who} se fue de {country} a {country}.|"
    "Es {said_of} {to_do}.|¿Qué piensas de {topic}?|El precio subió un {number} por ciento {when}.|"
    "O sea, {group} {neg} {to_do}.|Pues, {um}, {group} {aux} {to_do}.|Era, {um}, una {f} {af}.|"
    "¿Podrías {to_do}, por favor?|¿Quieres un poco de {food}?|¿Cuál es {am}, el {m} {am} o el {m} {am}?|"
    "La página {digits} explica {topic}.|El vuelo a {country} dura {number} horas.|"
    "La habitación {digits} está en el segundo piso.|Por favor, marque {unit} para {topic}.|"
    "Los {animals} y los {animals} están {doing} {where}.|Mi {f} favorita es {af}.|"
    "{who} tiene {digits} años.|Marcó {number} puntos contra {city}.|Vivimos {where} desde {year}."
)

SPARE = words(
    """abeja acuerdo agencia alegre algo alto amable amor ancla apoyo arma artículo aspecto aunque bahía barba
    base belleza boda brazo broma cabeza calma camino campo capital carrera causa certeza ciencia cita
    cliente codo color compañero común conducta contrato copia corte crisis cuento culpa curso círculo dedo
    delgado desastre desierto detalle dibujo diferencia dirección distancia dolor dueño duro década efecto
    elección empresa enfermedad envidia error esfuerzo espalda esperanza estado estudio etapa fama fantasma
    feliz fiesta firma fortuna fuego fuerza ganado gasto gente gigante gordo grano grupo hambre hierba hoja
    hombro hueso humo héroe igual impuesto infancia jamás juego justo ladrón lengua letra lista loco lugar
    luz límite madera manera mantel marca mayor medio memoria metal miembro mitad modelo motivo mundo
    músculo nariz negocio nido nivel noticia obra oficio olor oreja orilla oscuridad paciencia palacio pared
    parte pastor paz pecho peligro pena permiso piel placer planta poder poeta política presencia proceso
    propio príncipe punto querido rama rayo realidad recuerdo reino respeto reunión ritmo ropa ruido sala
    sangre sed semilla serpiente señal siglo silencio sitio sociedad sonido suelo sur talento tarea tela
    temor temporada testigo toalla tonto trabajo trampa tribunal triunfo título usted uña velocidad
    vergüenza vida vientre vista víctima ángel éxito"""
)

TWINS = (
    ("Ana", "Anna"), ("Sara", "Sarah"), ("Elena", "Helena"), ("Óscar", "Óskar"), ("Martín", "Martyn"),
    ("Tomás", "Thomás"), ("Víctor", "Víktor"), ("Marta", "Martha"), ("Teresa", "Theresa"),
    ("Mónica", "Mónika"), ("Félix", "Féliks"), ("Clara", "Klara"), ("Fernández", "Fernándes"),
    ("Ruiz", "Rwiz"), ("Vega", "Bega"), ("Navarro", "Nabarro"), ("Lucía", "Luzía"), ("Verónica", "Berónica"),
    ("Jorge", "Gorje"), ("Raquel", "Rakel"), ("Enrique", "Henrique"), ("Isabel", "Ysabel"),
)  # fmt: skip

ALIKE = frozenset(
    words(
        """a al de del el la los las un una unos unas y o u en su sus mi mis me le les se si sí no con por
        para que qué es está son era él tú tu te té ya eh este esta ese esa eso más mas sea solo ver he
        ha hay ahí fue va van soy casa caza vez ves cien sien tuvo tubo hola ola vaca baca voz vos"""
    )
)

LANGUAGE = Language(
    code="es", name="Spanish", slots=SLOTS, patterns=PATTERNS, spare=SPARE, twins=TWINS, alike=ALIKE,
    held=SPANISH, years=(1950, 2025), prose=PROSE["es"],
)  # fmt: skip
