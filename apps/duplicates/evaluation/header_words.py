"""The words by which exports call their columns, in ten languages, and what of a header says nothing.

English, German, French, Dutch, Spanish, Italian, Portuguese, Polish, Swedish and Chinese, one line of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from apps.duplicates.matching.fields import Field
from apps.duplicates.matching.texts import fold


def compact(text: str) -> str:
    """A header's letters and digits, in Latin and without accents: "Code postal" is "codepostal"."""
    return fold(text).replace(" ", "")


def _compacted(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(compact(word) for word in text.split(",")))


def _by_field(texts: dict[Field, str]) -> dict[Field, tuple[str, ...]]:
    return {field: _compacted(f"{field.value},{text}") for field, text in texts.items()}


# What stands first wins over the others.
WORDS: dict[Field, tuple[str, ...]] = _by_field(
    {
        Field.GIVEN_NAME: """given name, given, given names, first name, first, forename, fname,
            vorname, rufname, prénom, prénoms, voornaam, voornamen, roepnaam,
            nombre de pila, primer nombre, nombres, nome di battesimo, primeiro nome, nome próprio,
            imię, imiona, förnamn, tilltalsnamn,
            名, 名字""",
        Field.SURNAME: """surname, last name, last, family name, lname, nachname, familienname, zuname,
            nom de famille, patronyme, achternaam, familienaam, apellido, apellidos, primer apellido,
            cognome, sobrenome, apelido, último nome, nazwisko, efternamn, familjenamn,
            姓, 姓氏""",
        Field.FULL_NAME: """full name, contact name, contact person, lead name, person, contact, display name,
            complete name, first and last name,
            vollständiger name, vor- und nachname, vorname nachname, name vorname, nachname vorname,
            ansprechpartner, ansprechperson, kontaktperson, kontakt,
            nom complet, nom et prénom, nom prénom, prénom nom, prénom et nom,
            personne de contact, interlocuteur,
            volledige naam, contactpersoon, voor- en achternaam,
            nombre completo, nombre y apellidos, apellidos y nombre, persona de contacto, contacto,
            nome completo, nome e cognome, cognome e nome, nome cognome, nominativo, referente,
            nome e sobrenome, pessoa de contacto, pessoa de contato, contato,
            imię i nazwisko, nazwisko i imię, osoba kontaktowa, fullständigt namn, för- och efternamn,
            姓名, 全名, 联系人, 联系人姓名""",
        Field.EMAIL: """email, e-mail, email address, work email, mail, mail address,
            e-mail-adresse, mailadresse, courriel, adresse e-mail, adresse mail, adresse courriel,
            adresse électronique, e-mailadres, mailadres,
            correo electrónico, correo, dirección de correo,
            dirección de correo electrónico, posta elettronica,
            indirizzo e-mail, indirizzo mail, correio eletrónico, endereço de e-mail,
            adres e-mail, poczta elektroniczna, e-post, e-postadress, mejl, mejladress,
            邮箱, 电子邮箱, 邮箱地址, 电子邮件, 邮件""",
        Field.PHONE: """phone, phone number, phone no, telephone, telephone number, tel, tel no, tel number,
            mobile, mobile phone, mobile number, cell, cell phone, cell number, business phone, landline,
            contact number, contact no,
            telefon, telefonnummer, telefon nr, tel nr, tel nummer, rufnummer, mobilnummer, mobiltelefon,
            mobil, mobil nr, handy, handynummer, handy nr, natel, festnetz,
            téléphone, numéro de téléphone, n° de téléphone, téléphone portable, téléphone mobile,
            tél portable, portable, telefoon, telefoonnummer, telefoon nr, mobiel, mobiel nummer, gsm,
            gsm nummer, teléfono, tfno, telf, número de teléfono, teléfono móvil, móvil, celular,
            numero di telefono, cellulare, recapito telefonico, telefone, número de telefone, telemóvel,
            numer telefonu, nr telefonu, telefon komórkowy, komórka, mobilnr,
            手机, 手机号, 手机号码, 电话, 电话号码, 联系电话, 移动电话, 座机""",
        Field.BIRTH_DATE: """birth date, date of birth, dob, birthday, born, born on,
            geburtsdatum, geburtstag, geboren am, geboren, geb, geb datum, gebdat,
            date de naissance, date naissance, né le, née le, né(e) le, naissance,
            geboortedatum, geboortedag, geboren op, fecha de nacimiento, fecha nacimiento, nacimiento,
            data di nascita, data nascita, nato il, nata il, nato/a il,
            data de nascimento, data nascimento, nascimento, data urodzenia, urodzony, födelsedatum, född,
            出生日期, 生日, 出生年月""",
        Field.STREET: """street, street address, address, address 1, address line 1, address line, addr,
            billing street, straße, str, adresse, anschrift, straße und hausnummer, straße hausnummer,
            straße nr, rue, voie, adresse postale, numéro et rue, straat, adres, straatnaam,
            straat en huisnummer, calle, dirección, domicilio, dirección postal, via, indirizzo,
            rua, endereço, morada, logradouro, ulica, ul, gata, adress, gatuadress,
            rue et numéro, calle y número, via e numero civico, rua e número, ulica i numer,
            地址, 联系地址, 详细地址, 街道""",
        Field.HOUSE_NUMBER: """house number, house no, street number, hausnummer, hausnr, haus nr, hnr,
            numéro de rue, numéro de voie, huisnummer, huisnr, numero civico, civico,
            numer domu, nr domu, husnummer, gatunummer,
            门牌号""",
        Field.CITY: """city, town, suburb, locality, billing city, location, municipality,
            ort, wohnort, stadt, ortschaft, ville, commune, localité,
            woonplaats, plaats, plaatsnaam, stad, ciudad, localidad, población, municipio,
            città, comune, località, cidade, localidade, miasto, miejscowość, postort,
            城市, 所在城市""",
        Field.POSTCODE: """postcode, postal code, post code, zip, zip code, billing postal code,
            plz, postleitzahl, code postal, cp, npa, código postal, cód postal,
            cap, codice postale, codice di avviamento postale, cep, kod pocztowy, postnummer, postnr,
            邮编, 邮政编码""",
        Field.REGION: """region, state, province, county, canton, kanton, bundesland, région,
            provincie, provincia, regione, região, województwo,
            省份, 省""",
        Field.COMPANY: """company, company name, account name, account, organization, organisation,
            organization name, firma, business name, employer,
            firmenname, firmenbezeichnung, unternehmen, unternehmensname, arbeitgeber,
            société, entreprise, raison sociale, nom de la société, nom de l'entreprise, employeur,
            bedrijf, bedrijfsnaam, firmanaam, organisatie, werkgever,
            empresa, razón social, nombre de la empresa, nombre empresa, compañía, organización,
            azienda, ragione sociale, società, ditta, nome azienda,
            razão social, nome da empresa, nome fantasia, organização,
            nazwa firmy, nazwa, przedsiębiorstwo, företag, företagsnamn, bolag, bolagsnamn, arbetsgivare,
            公司, 公司名称, 单位, 单位名称, 工作单位, 企业名称""",
        Field.WEBSITE: """website, website url, domain, company domain name, url, web, web site, web page,
            homepage, webseite, webadresse, internetadresse, site web, site internet, página web, sitio web,
            sito, sito web, sito internet, strona www, strona internetowa, www, webbplats, hemsida,
            网站, 网址, 官网""",
        Field.TITLE: """title, job title, position, role, funktion, fonction, poste, functie, cargo, puesto,
            ruolo, stanowisko, befattning,
            职位, 职务""",
        Field.ID_NUMBER: """id number, ssn, social security number, soc sec id, tax id, vat number, vat,
            passport number, national id, ahv, ahv number,
            身份证, 身份证号, 身份证号码""",
    }
)  # fmt: skip

# A surname beside a given name, a given name beside a surname, else the name of whoever the table is about.
NAMES = frozenset(_compacted("name, names, naam, nom, nombre, nome, namn, 名称"))
# The same, of somebody or of a company.
CUSTOMERS = frozenset(
    _compacted(
        """customer, client, guest, donor, member, patient, patron, kunde, gast, spender, mitglied,
        donateur, donatrice, klant, cliente, huésped, donante, ospite, donatore, hóspede, doador,
        klient, gość, darczyńca, kund, gäst, givare, medlem, 客户, 客户名称, 客户姓名, 会员"""
    )
)
# The same, of what can only be a company.
COMPANY_NAMES = frozenset(
    _compacted(
        """supplier, supplier name, vendor, vendor name, business, venue, restaurant, merchant, store, shop,
        lieferant, lieferantenname, kreditor, betrieb, fournisseur, nom du fournisseur, établissement,
        leverancier, leveranciersnaam, zaak, proveedor, establecimiento, fornitore, esercizio,
        fornecedor, estabelecimento, dostawca, leverantör, butik, 供应商, 供应商名称, 商家"""
    )
)
# Of a table with one of these, the name is a company's; with one of the other kind it may easily be.
COMPANY_COLUMNS = frozenset(
    _compacted(
        """industry, sector, employees, number of employees, annual revenue, revenue, turnover, legal form,
        cuisine, branche, rechtsform, mitarbeiterzahl, umsatz, küche, secteur, effectif, forme juridique,
        siret, siren, type de cuisine, bedrijfstak, rechtsvorm, kvk, kvk nummer, keuken, cif, forma jurídica,
        cocina, settore, fatturato, cucina, setor, cnpj, branża, regon, bransch, organisationsnummer"""
    )
)
PLACE_COLUMNS = frozenset(
    _compacted(
        """category, categories, type, rating, stars, price range, opening hours, kategorie, typ, sterne,
        öffnungszeiten, catégorie, étoiles, horaires, categorie, openingstijden, categoría, estrellas,
        horario, categoria, stelle, orario, kategoria, kategori, öppettider"""
    )
)

# Whose it is, or which of several: "Kundenvorname", "contact_email", "Tel. privat", "nom du client".
_QUALIFIERS = frozenset(
    fold(
        """customer client guest donor member patient supplier vendor contact lead person primary main
        business company work office home personal private billing shipping mailing invoice
        kunde kunden gast gäste spender mitglied mitglieder patienten lieferanten lieferant kontakt
        ansprechpartner firmen geschäft geschäftlich haupt privat rechnung rechnungs liefer
        clients contacts hôte donateur fournisseur société entreprise principal professionnel privé pro
        klant klanten gasten leverancier donateurs contactpersoon bedrijfs zakelijk privé factuur thuis
        cliente clientes huésped proveedor donante contacto empresa particular trabajo facturación
        ospite fornitore donatore azienda principale fatturazione lavoro
        hóspede fornecedor doador contato principal
        klienta klient gościa dostawcy darczyńcy firmy kontaktowy kontaktowe
        kund kundens gäst gästens leverantör leverantörens givare givarens medlem medlems företags arbete hem
        du de la le del di do da des der van het of dello della"""
    ).split()
)
# Short ones begin too many words.
_LONG_QUALIFIERS = sorted((word for word in _QUALIFIERS if len(word) >= 4), key=len, reverse=True)
# Without what else the header says they mean something else: "first contact", "last order".
_WHOLE_ALONE = frozenset(
    {"first", "last", "person", "contact", "kontakt", "contacto", "via", "str"}
)
# Of where or as what somebody was born only the date is compared.
_BIRTH = (
    "birth", "geburt", "geboorte", "naissance", "nacimiento", "nascita", "nascimento", "urodzen", "fodelse",
)  # fmt: skip
# The last part of a longer header means the same for these fields ("Kundenvorname", "contact_email"), unless
# it is so short or common that it may stand at the end of anything.
BY_LAST_PART = (
    Field.GIVEN_NAME, Field.SURNAME, Field.EMAIL, Field.PHONE, Field.BIRTH_DATE, Field.CITY, Field.POSTCODE,
    Field.COMPANY, Field.WEBSITE,
)  # fmt: skip
_LEAST_LAST_PART = 5
_NO_LAST_PARTS = frozenset(
    _compacted("location, account, domain, first, mobil, nombres, commune, comune, portable, plaats, nazwa")
)  # fmt: skip


def readings(header: str) -> Iterator[str]:
    """A header, without what tells only whose it is, and without the number of several."""
    whole = compact(header)
    words = fold(header).split()
    kept = [word for word in words if word not in _QUALIFIERS] or words
    bare = "".join(kept)
    unnumbered = bare.rstrip("0123456789")
    if whole:
        yield whole
    rest = dict.fromkeys((bare, unnumbered, *_unprefixed(unnumbered)))
    yield from (word for word in rest if word not in {"", whole, *_WHOLE_ALONE})


def ends_as(field: Field, header: str) -> bool:
    """Whether a longer header ends with a word for the field."""
    whole = compact(header)
    return any(
        len(word) >= _LEAST_LAST_PART and word not in _NO_LAST_PARTS and whole.endswith(word)
        for word in WORDS[field]
    )


def is_about_birth(header: str) -> bool:
    """Whether it names somebody's birth, be it the day, the place or the name."""
    whole = compact(header)
    return any(word in whole for word in _BIRTH)


def has_word(header: str, words: Iterable[str]) -> bool:
    """Whether one of these words is what a header says."""
    return not set(words).isdisjoint(readings(header))


def names_company(header: str) -> bool:
    """Whether one of several words tells that the name is a company's: "Nombre del proveedor"."""
    return not COMPANY_NAMES.isdisjoint(fold(header).split())


def _unprefixed(text: str) -> Iterator[str]:
    """What follows whose it is in one word: "vorname" of "kundenvorname", the longest word first."""
    for qualifier in _LONG_QUALIFIERS:
        if text.startswith(qualifier):
            yield text[len(qualifier) :]
